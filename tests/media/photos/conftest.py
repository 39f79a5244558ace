"""A transfer and a detector whose results are known, without torch and dlib."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from attrxfer.interfaces import Framing
from attrxfer.media.photos import Photos

SIZE = 32
ALIGNMENT = np.array([[11, 12], [20, 12], [15.5, 17], [12, 22], [19, 22]], np.float32)


def metadata(alignment: NDArray[np.float32] | None = ALIGNMENT) -> dict[str, Any]:
    known = alignment.tolist() if alignment is not None else None
    task = {"name": "smile", "guided": {"Smiling": True}}
    return {"alignment": known, "task": task, "sha256": {"model.safetensors": "ab" * 32}, "size": SIZE, "framing": None}


class Fake:
    """Adds a bright disc to the middle of each crop, ``light`` steps; 0 leaves it as it is. Notes the batches."""

    def __init__(self, light: float = 60, alignment: NDArray[np.float32] | None = ALIGNMENT) -> None:
        self.name = "fake"
        self.size = SIZE
        self.guided = {"Smiling": True}
        self.can_change = ()
        self.alignment = alignment
        self.framing: Framing | None = None
        self.light = light
        self.metadata: Mapping[str, Any] = metadata(alignment)
        self.batches: list[NDArray[np.uint8]] = []

    def images(self, images_u8: NDArray[np.uint8], strength: float = 1.0) -> NDArray[np.uint8]:
        self.batches.append(images_u8)
        y, x = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
        disc = np.exp(-(x**2 + y**2) / 40)[..., None] * self.light * strength
        return np.rint(images_u8 + disc).clip(0, 255).astype(np.uint8)


class Fixed:
    """Finds subjects where it is told to; in an image that is all of one colour, nobody."""

    def __init__(self, *points: NDArray[np.float32]) -> None:
        self.points = np.array(points, np.float32).reshape(-1, 5, 2)

    subject = "face"

    def detect(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        return self.points if np.ptp(image) else self.points[:0]

    def reduce(self, landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
        return landmarks


def subject(x: float, y: float, scale: float = 1.0, degrees: float = 0.0) -> NDArray[np.float32]:
    """The alignment's points turned clockwise, enlarged, with the crop's middle at the pixel (x, y)."""
    middle = (SIZE - 1) / 2
    z = (ALIGNMENT[:, 0] - middle + 1j * (ALIGNMENT[:, 1] - middle)) * scale * np.exp(1j * np.radians(degrees))
    return np.stack([z.real + x, z.imag + y], axis=1).astype(np.float32)


def noise(height: int = 120, width: int = 160, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def smooth(height: int = 120, width: int = 160) -> NDArray[np.uint8]:
    """An image that survives JPEG."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    planes = [128 + 60 * np.sin(x / 17), 128 + 60 * np.cos(y / 13), 128 + 40 * np.sin((x + y) / 23)]
    return np.stack(planes, axis=2).astype(np.uint8)


@pytest.fixture
def photos() -> Photos:
    """One subject in the middle of images of 160 x 120 pixels, twice the crop's size."""
    return Photos(Fake(), Fixed(subject(80, 60, 2)))
