"""The baseline of semantic inpainting: the DCGAN, the search for z, the blend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from attrxfer_diat.inpainting.dcgan import LATENT, Dcgan, Trainer, draw
from attrxfer_diat.inpainting.method import INSTALL, Inpainting, blended
from numpy.typing import NDArray
from torch import nn

from attrxfer.errors import AttrxferError
from attrxfer.interfaces import Batch
from attrxfer.testing.fakes import tiny_data

SIZE = 32
TARGET = {"bright": True}


class Middle:
    """A square in the middle; nothing in the image of row ``unknown``."""

    def __init__(self, unknown: int = -1) -> None:
        self.unknown = unknown

    def masks(self, data: Any, batch: Batch) -> NDArray[np.float32]:
        masks = np.zeros((len(batch.rows), 1, SIZE, SIZE), np.float32)
        masks[:, :, 10:22, 10:22] = 1
        masks[batch.rows == self.unknown] = 0
        return masks


def method(**settings: Any) -> Inpainting:
    small: dict[str, Any] = {"size": SIZE, "locator": Middle(), "width": 4, "train_steps": 2, "batch_size": 4, "steps": 2}
    return Inpainting(**{**small, **settings})


@pytest.mark.parametrize(("size", "widths"), [(32, [16, 8, 4]), (64, [32, 16, 8, 4]), (128, [64, 32, 16, 8, 4])])
def test_the_networks_fit_the_size(size: int, widths: list[int]) -> None:
    network = Dcgan(size, 4)
    images = network(draw(3, torch.Generator()))
    assert images.shape == (3, 3, size, size) and images.abs().max() <= 1
    assert network.discriminator(images).shape == (3,)
    made = [layer.out_channels for layer in network.generator if isinstance(layer, nn.ConvTranspose2d)]
    seen = [layer.out_channels for layer in network.discriminator if isinstance(layer, nn.Conv2d)]
    assert made == [*widths, 3] and seen == [*widths[::-1], 1]


def test_training_brings_the_generator_to_the_images() -> None:
    torch.manual_seed(0)
    network = Dcgan(SIZE, 8)
    trainer = Trainer(network, torch.Generator().manual_seed(0))
    real = torch.tensor([0.6, -0.2, -0.7])[None, :, None, None] + 0.2 * torch.randn(16, 3, SIZE, SIZE)
    z = draw(16, torch.Generator().manual_seed(1))
    assert z.shape == (16, LATENT) and -1 <= z.min() < -0.9 and 0.9 < z.max() <= 1

    def distance() -> float:
        with torch.no_grad():
            return float((network(z).mean((0, 2, 3)) - real.mean((0, 2, 3))).abs().mean())

    before = distance()
    for _ in range(150):
        trainer.step(real)
    assert distance() < 0.7 * before


class Colour(nn.Module):
    """G(z) is a plane of the colour z[:3]; D always says 0."""

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return z[:, :3, None, None].expand(-1, -1, SIZE, SIZE)

    def discriminator(self, images: torch.Tensor) -> torch.Tensor:
        return images.mean((1, 2, 3)) * 0


def test_z_fits_the_visible_pixels_beside_the_mask() -> None:
    x = torch.full((2, 3, SIZE, SIZE), -0.9)  # far from the mask: it does not count
    x[:, :, 5:27, 5:27] = torch.tensor([[0.5, -0.25, 0.0], [-0.5, 0.25, 0.75]])[:, :, None, None]
    hidden = torch.zeros(2, 1, SIZE, SIZE)
    hidden[:, :, 10:22, 10:22] = 1
    x[hidden.expand_as(x) > 0] = 1  # hidden: it must not count
    found = method(steps=300, lr=0.05).filled(Colour(), x, hidden)  # type: ignore[arg-type]
    expected = (np.array([[0.5, -0.25, 0.0], [-0.5, 0.25, 0.75]]) + 1) * 127.5
    assert np.abs(found[:, 0, 0].astype(float) - expected).max() < 5


def test_the_prior_asks_for_what_d_takes_for_real() -> None:
    class Bright(Colour):
        def discriminator(self, images: torch.Tensor) -> torch.Tensor:
            return 10 * images.mean((1, 2, 3))

    x, hidden = torch.zeros(1, 3, SIZE, SIZE), torch.zeros(1, 1, SIZE, SIZE)
    hidden[:, :, 10:22, 10:22] = 1
    plain, real = (method(steps=200, prior=prior).filled(Bright(), x, hidden) for prior in (0.0, 1.0))  # type: ignore[arg-type]
    assert abs(float(plain.mean()) - 127.5) < 6 and real.mean() > plain.mean() + 20


def test_the_blend_keeps_what_is_visible_and_takes_the_gradients_of_the_fill() -> None:
    image = np.full((SIZE, SIZE, 3), 100, np.uint8)
    fill = np.full((SIZE, SIZE, 3), 180, np.uint8)
    fill[15:17, 15:17] = 240  # a spot 60 brighter than its surroundings
    mask = np.zeros((SIZE, SIZE), bool)
    mask[8:24, 8:24] = True
    made = blended(image, fill, mask)
    assert np.array_equal(made[~mask], image[~mask])
    assert abs(int(made[9, 9, 0]) - 100) <= 3, "the seam is not seen"
    assert made[15:17, 15:17].mean() - made[9:12, 9:12].mean() > 40
    glasses = image.copy()
    glasses[12:14, 9:23] = 0  # near the mask's edge
    assert blended(glasses, np.full_like(fill, 180), mask)[12:14, 10:22].min() > 85, "what is hidden is gone"
    assert np.array_equal(blended(image, fill, np.zeros_like(mask)), image)
    assert np.array_equal(blended(image, fill, np.ones_like(mask))[0], image[0]), "a border is left to begin at"


def test_on_a_data_set_it_trains_once_and_leaves_unknown_regions_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTRXFER_CACHE", str(tmp_path))
    data = tiny_data()
    rows = data.rows("test", {"bright": False})
    made = method(locator=Middle(unknown=int(rows[0])))(data, TARGET, rows)
    assert made is not None and made.shape == (len(rows), SIZE, SIZE, 3)
    source = data.images_u8(rows)
    assert np.array_equal(made[0], source[0]) and not np.array_equal(made[1], source[1])
    visible = Middle().masks(None, Batch(torch.zeros(1), torch.zeros(1), rows[:1], np.zeros(1, bool)))[0, 0] == 0
    assert np.array_equal(made[1][visible], source[1][visible])
    assert len(list((tmp_path / "dcgans").iterdir())) == 1
    monkeypatch.setattr(Inpainting, "_train", lambda *arguments: pytest.fail("trained twice"))
    again = method(locator=Middle(unknown=int(rows[0])))(data, TARGET, rows)
    assert again is not None and np.array_equal(again, made)


def test_another_size_and_a_missing_package_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AttrxferError, match="size = 48: a DCGAN makes images of 32, 64, 128 or 256 px"):
        method(size=48)
    assert Inpainting.missing() == []
    monkeypatch.setattr("attrxfer_diat.inpainting.method.find_spec", lambda name: None)
    assert Inpainting.missing(steps=3) == [INSTALL]
