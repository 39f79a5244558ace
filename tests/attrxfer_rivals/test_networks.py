"""The networks: patches, scales, shortcuts, what they are told."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from attrxfer_rivals.conditional import AttGenerator, StarGenerator
from attrxfer_rivals.mask import MaskedByNetwork
from attrxfer_rivals.patch_discriminator import AttributePatchDiscriminator, MultiScaleDiscriminator, PatchDiscriminator
from attrxfer_rivals.unet import UNet
from torch import nn

from attrxfer.errors import AttrxferError
from attrxfer.interfaces import ClassifiesAttributes, Conditional
from attrxfer.testing.fakes import random_images

NAMES = ("bright", "round")


@pytest.mark.parametrize(("layers", "pixels"), [(1, 16), (2, 34), (3, 70)])
def test_a_logit_sees_its_patch_only(layers: int, pixels: int) -> None:
    network = PatchDiscriminator(size=128, width=4, layers=layers, norm="none").eval()
    images = torch.zeros(1, 3, 128, 128, requires_grad=True)
    logits = network(images).logit
    side = int(logits.shape[1] ** 0.5)
    assert side == 128 // 2**layers - 2
    middle = logits.view(side, side)[side // 2, side // 2]
    (gradient,) = torch.autograd.grad(middle, images)
    seen = gradient.abs().sum((0, 1)).nonzero()
    assert (seen.amax(0) - seen.amin(0) + 1).tolist() == [pixels, pixels]


def test_spectral_norm_bounds_every_convolution() -> None:
    network = PatchDiscriminator(size=32, width=4, norm="spectral")
    for _ in range(50):
        network(random_images())
    convolutions = [layer for layer in network.eval().modules() if isinstance(layer, nn.Conv2d)]
    assert len(convolutions) == 4
    for layer in convolutions:
        assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1, abs=0.02)


def test_each_scale_has_its_own_network_and_logits() -> None:
    network = MultiScaleDiscriminator(size=32, scales=3, width=4).eval()
    found = network(random_images(2))
    assert found.logit.shape == (2, 14**2 + 6**2 + 2**2)
    assert [maps.shape[-1] for maps in found.features] == [16, 15, 8, 7, 4, 3]


@pytest.mark.parametrize("make", [
    lambda: PatchDiscriminator(size=16, layers=3),
    lambda: MultiScaleDiscriminator(size=16, scales=3),
    lambda: AttributePatchDiscriminator(size=16, attributes=NAMES, layers=5),
])  # fmt: skip
def test_images_that_are_too_small_are_refused(make: object) -> None:
    with pytest.raises(AttrxferError, match=r"layers = \d is too many for images of \d+ px"):
        make()  # type: ignore[operator]


def test_a_logit_for_each_attribute() -> None:
    network = AttributePatchDiscriminator(size=32, attributes=NAMES, width=4)
    assert isinstance(network, ClassifiesAttributes)
    found = network(random_images(3))
    assert found.logit.shape == (3, 4) and found.attributes is not None and found.attributes.shape == (3, 2)


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_detail_passes_the_smallest_scale_of_the_u_net_by(depth: int) -> None:
    network = UNet(width=4, depth=depth).eval()
    images, others = random_images(1), random_images(1, seed=1)
    made = network(images)
    assert made.shape == images.shape and made.abs().max() <= 1
    for layer in network.down[depth - 1].modules():  # the smallest maps say nothing of the image any more
        if isinstance(layer, nn.Conv2d):
            nn.init.zeros_(layer.weight)
    assert torch.allclose(network(images), network(others)) == (depth == 1)


@pytest.mark.parametrize("network", [StarGenerator, AttGenerator])
def test_what_it_is_told_changes_the_result(network: type) -> None:
    torch.manual_seed(0)
    generator: Any = network(attributes=NAMES, width=4).eval()
    assert isinstance(network(attributes=NAMES, width=4), Conditional)
    images = random_images(2)
    changes = torch.tensor([[1.0, 0.0], [-1.0, 1.0]])
    made = generator.parts(images, changes)["output"]
    torch.testing.assert_close(made[1:], generator(images[1:], changes[1:]), atol=1e-5, rtol=1e-4)
    assert not torch.allclose(made, generator(images, -changes), atol=1e-4)
    torch.testing.assert_close(generator(images), generator(images, torch.ones(2, 2)))


def test_the_mask_network_decides_where_the_transform_counts() -> None:
    transform = UNet(width=4, depth=2)
    generator = MaskedByNetwork(transform=transform, width=4).eval()
    images = random_images(2)
    parts = generator.parts(images)
    assert parts["mask"].shape == (2, 1, 32, 32) and parts["residual"].shape == images.shape
    torch.testing.assert_close(parts["residual"], transform(images))
    torch.testing.assert_close(parts["output"], images + parts["mask"] * (parts["residual"] - images))
    assert parts["mask"].mean().item() == pytest.approx(float(torch.sigmoid(torch.tensor(-1.0))), abs=0.1)
    torch.nn.init.constant_(list(generator.mask.parameters())[-1], -1e4)
    torch.testing.assert_close(generator(images), images)
