"""The data set ``sunglasses``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from attrxfer_faces import sunglasses
from attrxfer_faces.sunglasses import ByBrightness, darker, eyes_to_cheeks
from numpy.typing import NDArray

from attrxfer.errors import DataError
from attrxfer.interfaces import Broken, Records


class Faces:
    """Five grey faces with points; those of rows 0 and 3 have black eyes, row 4 has no points."""

    framing = None

    def __init__(self, landmarks: bool = True) -> None:
        self.size = 32
        self.landmarks = landmarks

    def records(self) -> Records:
        points = np.array([[[10, 12], [22, 12], [16, 18], [11, 24], [21, 24]]], np.float32).repeat(6, 0)
        points[4] = np.nan
        glasses = np.array([True, True, True, True, True, False])
        split = np.zeros(6, np.uint8)
        return Records(tuple("abcdef"), {"Eyeglasses": glasses}, split, None, points if self.landmarks else None)

    def read(self, rows: Sequence[int]) -> list[NDArray[np.uint8] | Broken]:
        images = np.full((6, 32, 32, 3), 150, np.uint8)
        images[[0, 3], 8:16] = 20
        images[5, 8:16] = 20
        return [Broken("c", "cut off") if row == 2 else images[row] for row in rows]

    def fingerprint(self) -> str:
        return "faces"


@pytest.mark.parametrize("at_once", [256, 2])
def test_dark_glasses_are_told_from_clear_ones(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sunglasses, "AT_ONCE", at_once)
    found = ByBrightness(of=Faces(), size=32).records()
    assert found.attributes["Sunglasses"].tolist() == [True, False, False, True, False, False]
    assert found.attributes["Clear_Glasses"].tolist() == [False, True, False, False, False, False]
    assert found.notes == ("Eyeglasses: 2 images are taken for Sunglasses, 1 for Clear_Glasses",)


def test_the_share_is_of_the_cheeks_brightness() -> None:
    image = np.full((32, 32, 3), 200, np.uint8)
    image[8:16] = 50
    points = np.array([[10, 12], [22, 12], [16, 18], [11, 24], [21, 24]], np.float32)
    assert eyes_to_cheeks(image, points) == pytest.approx(0.25, abs=0.02)
    assert darker(np.array([0.5, 0.5])).tolist() == [False, False]


def test_the_size_of_the_data_set_is_its_size() -> None:
    inner = Faces()
    data = ByBrightness(of=inner, size=32)
    data.size = 64
    assert data.size == 64 and inner.size == 32, "the data set that was given stays as it is"
    assert data.fingerprint() == "faces"


def test_what_it_needs_is_said() -> None:
    with pytest.raises(DataError, match="no landmarks of faces"):
        ByBrightness(of=Faces(landmarks=False)).records()
    with pytest.raises(DataError, match='no attribute "Eyeglases"; did you mean "Eyeglasses"'):
        ByBrightness(of=Faces(), attribute="Eyeglases").records()
