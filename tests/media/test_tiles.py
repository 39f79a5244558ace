"""Whole images in tiles: equal to one pass, whatever the size."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from attrxfer_diat.generator import MaskedTransformNetwork
from numpy.typing import NDArray
from torch import nn

from attrxfer.media.tiles import in_tiles
from attrxfer.model.reach import measured_reach
from attrxfer.storage.conversion import to_tensor, to_uint8

Image = NDArray[np.uint8]


def noise(height: int, width: int) -> Image:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)


def box_mean(images: Image) -> Image:
    """The mean of 7 x 7 pixels, black beyond the border: it sees 3 pixels far."""
    padded = np.pad(images.astype(np.uint32), ((0, 0), (3, 3), (3, 3), (0, 0)))
    height, width = images.shape[1:3]
    total = sum(padded[:, y : y + height, x : x + width] for y in range(7) for x in range(7))
    return np.asarray(total // 49, np.uint8)


@pytest.mark.parametrize("size", [(1, 1), (15, 70), (90, 70), (64, 64), (65, 129), (200, 33)])
def test_tiles_equal_one_pass_bit_for_bit(size: tuple[int, int]) -> None:
    image = noise(*size)
    shapes: list[tuple[int, ...]] = []

    def run(tile: Image) -> Image:
        shapes.append(tile.shape)
        return box_mean(tile)

    made = in_tiles(run, image, reach=3, side=64)
    whole = np.pad(image, ((0, -size[0] % 16), (0, -size[1] % 16), (0, 0)), mode="symmetric")
    assert np.array_equal(made, box_mean(whole[None])[0, : size[0], : size[1]])
    assert all(max(shape) <= 64 for shape in shapes), "memory is bounded by the tile, not by the image"
    assert len(shapes) > 1 or max(size) <= 64


def test_a_reach_that_is_too_small_shows() -> None:
    """The test above can fail."""
    image = noise(200, 33)
    far = np.stack([image] * 1)
    wrong = in_tiles(lambda tile: np.broadcast_to(tile.mean((1, 2), keepdims=True), tile.shape).astype(np.uint8), image, 0, 64)
    assert not np.array_equal(wrong, np.broadcast_to(far.mean((1, 2), keepdims=True), far.shape).astype(np.uint8)[0])


@pytest.mark.parametrize(("kernels", "reach"), [((1,), 0), ((3,), 1), ((9, 3), 5)])
def test_the_reach_of_convolutions(kernels: tuple[int, ...], reach: int) -> None:
    channels = [3, *[8] * (len(kernels) - 1), 3]
    layers = [nn.Conv2d(a, b, k, padding=k // 2) for a, b, k in zip(channels[:-1], channels[1:], kernels, strict=True)]
    assert measured_reach([nn.Sequential(*layers)]) == reach


def test_a_network_that_sees_the_whole_image_has_the_greatest_reach() -> None:
    assert measured_reach([nn.Sequential(nn.Conv2d(3, 3, 1), nn.InstanceNorm2d(3))]) == 128


@pytest.mark.slow
def test_a_strided_network_in_tiles_equals_one_pass_but_for_rounding() -> None:
    torch.manual_seed(0)
    network = MaskedTransformNetwork(width=4, blocks=2, mask_bias=2.0).eval()
    reach = measured_reach([network])
    assert 20 < reach < 50

    @torch.no_grad()
    def run(images: Image) -> Image:
        return to_uint8(network(to_tensor(images)))

    image = noise(416, 240)
    made, whole = in_tiles(run, image, reach, side=192), run(image[None])[0]
    difference = np.abs(made.astype(int) - whole)
    assert difference.max() <= 1 and (difference > 0).mean() < 0.001
    assert np.abs(whole.astype(int) - image).mean() > 1
