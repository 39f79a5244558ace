"""The core is not about faces: blurred textures become sharp, with the same stages, from a folder for each class; and whole
images of any size then become sharper."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from tests.conftest import attrxfer

SETTINGS = (
    "task.guided={sharp=true}",
    "train.size=32",
    "data.patches=true",
    "train.threads=1",
    "generator.width=8",
    "generator.blocks=1",
    "discriminator.width=8",
    "discriminator.hidden=16",
    "adversarial.shift=0",
    "identity.weight=0.1",
    "metric=[]",
    "train.pretrain_discriminator.steps=20",
    "train.adversarial.steps=150",
    "train.adversarial.batch_size=8",
    "train.adversarial.ema=0.9",
)


def texture(seed: int, width: int = 32, height: int = 32) -> Image.Image:
    """Stripes and spots at random angles and colours."""
    draw = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    angle, period = draw.uniform(0, np.pi), draw.uniform(4, 9)
    stripes = np.sign(np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / period))
    colour = draw.uniform(60, 110, 3)
    return Image.fromarray((128 + stripes[..., None] * colour * 0.9).astype(np.uint8))


def edges(images: NDArray[np.float64]) -> float:
    return float(np.abs(np.diff(images, axis=1)).mean() + np.abs(np.diff(images, axis=2)).mean())


def read(folder: Path) -> NDArray[np.float64]:
    return np.stack([np.asarray(Image.open(file).convert("RGB"), np.float64) for file in sorted(folder.rglob("*.png"))])


@pytest.mark.slow
def test_blurred_textures_become_sharper(tmp_path: Path) -> None:
    data, new = tmp_path / "data", tmp_path / "new"
    for name in ("blurred", "sharp"):
        (data / name).mkdir(parents=True)
    new.mkdir()
    blur = ImageFilter.GaussianBlur(1.6)
    for i in range(60):
        texture(i).save(data / "sharp" / f"{i}.png")
        texture(1000 + i).filter(blur).save(data / "blurred" / f"{i}.png")
    for i in range(12):
        texture(2000 + i, 90, 70).filter(blur).save(new / f"{i}.png")
    sets = [part for setting in SETTINGS for part in ("--set", setting)]
    result = attrxfer("run", "variants/diat_a0", "--data", data, "-o", tmp_path / "run", *sets)
    assert result.returncode == 0, result.stderr
    assert "sharp" in result.stderr and "blurred" in result.stderr
    result = attrxfer("transfer", tmp_path / "run", new, "-o", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    assert read(tmp_path / "out").shape == (12, 70, 90, 3), "whole images, at their own size"
    assert edges(read(tmp_path / "out")) > 1.2 * edges(read(new))
