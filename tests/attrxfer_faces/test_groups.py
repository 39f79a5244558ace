"""Groups of faces by the brightness of their skin."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from attrxfer_faces.metrics import Identity, skin_brightness

POINTS = np.array([[20, 20], [44, 20], [32, 32], [24, 44], [40, 44]], np.float32)


def faces(*skins: int) -> Any:
    """Faces of 64 px on a bright background."""
    images = np.full((len(skins), 64, 64, 3), 250, np.uint8)
    for image, skin in zip(images, skins, strict=True):
        image[22:44, 14:50] = skin
    return images


def test_brightness_is_that_of_the_cheeks() -> None:
    assert skin_brightness(faces(60, 180), np.stack([POINTS, POINTS])).tolist() == [60, 180]
    outside = POINTS + 100  # landmarks outside the image: the nearest part of it is looked at
    assert np.isfinite(skin_brightness(faces(60), outside[None])).all()


def test_images_are_divided_by_the_brightness_of_the_skin() -> None:
    images, points = faces(200, 60, 180, 90), np.stack([POINTS] * 4)
    data: Any = SimpleNamespace(records=SimpleNamespace(landmarks=points), images_u8=lambda rows: images[rows])
    groups = Identity().groups(data, np.array([3, 2, 1]))
    assert {name: inside.tolist() for name, inside in groups.items()} == {
        "darker skin": [False, False, True],
        "lighter skin": [True, True, False],
    }
    data.records.landmarks = None
    assert Identity().groups(data, np.arange(4)) == {}
