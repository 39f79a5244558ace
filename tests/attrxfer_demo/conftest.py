"""A finished tiny run, and a studio without networks or a face detector."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from attrxfer_demo.offer import Offer
from attrxfer_demo.studio import Studio
from numpy.typing import NDArray

from attrxfer.media.photos import Photos
from attrxfer.model.torch_model import blend
from attrxfer.storage.conversion import to_tensor, to_uint8

SIZE = 32
ALIGNMENT = [[8, 8], [24, 8], [16, 26]]


class Negative:
    """A transfer that makes an image's negative, and counts how often it is asked."""

    size, framing, can_change = SIZE, None, ()

    def __init__(self, alignment: Any = ALIGNMENT) -> None:
        self.name, self.guided = "negative", {"Dark": True}
        self.alignment = None if alignment is None else np.array(alignment, np.float32)
        self.metadata = {"task": {"name": "negative", "guided": {"Dark": True}}, "alignment": alignment, "sha256": {"w": "abc"}}
        self.asked = 0

    def at_any_strength(self, uint8: NDArray[np.uint8]) -> Callable[[float], NDArray[np.uint8]]:
        self.asked += 1
        return lambda strength: self.images(uint8, strength)

    def images(self, uint8: NDArray[np.uint8], strength: float = 1.0) -> NDArray[np.uint8]:
        images = to_tensor(uint8)
        return to_uint8(blend(images, -images, strength))


class Negate:
    """A method that makes the negative of any image."""

    def __call__(self, data: Any, target: Any, rows: Any) -> None:
        return None

    def transfer(self, uint8: NDArray[np.uint8], strength: float) -> NDArray[np.uint8]:
        return to_uint8(blend(to_tensor(uint8), -to_tensor(uint8), strength))


class Known:
    """Finds subjects where it is told they are: (left, top, side) of squares framed as the training images."""

    def __init__(self, *squares: tuple[float, float, float]) -> None:
        frame = np.array(ALIGNMENT, np.float32) / SIZE
        self.points = np.array([frame * side + (left, top) for left, top, side in squares], np.float32).reshape(-1, 3, 2)
        self.asked = 0

    subject = "face"

    def detect(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.asked += 1
        return self.points

    def reduce(self, landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
        return landmarks


def offer(transfer: Any, detector: Known | None) -> Offer:
    photos = Photos(transfer, detector) if detector is not None else None
    return Offer(Path("runs/negative"), "negative", "", transfer, photos, "" if photos else "Crops only.")


@pytest.fixture
def a_studio(tmp_path: Path) -> Callable[..., SimpleNamespace]:
    """A studio, its transfer and its detector, where subjects are in these squares."""

    def make(*squares: tuple[float, float, float]) -> SimpleNamespace:
        transfer, detector = Negative(), Known(*squares)
        return SimpleNamespace(
            studio=Studio([offer(transfer, detector)], tmp_path / "files"), transfer=transfer, detector=detector
        )

    return make
