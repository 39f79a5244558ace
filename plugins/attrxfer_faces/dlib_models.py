"""dlib's face detector, 68 landmarks and face embedding, offline: the extra ``faces``.

The data of the 68-point predictor were trained on iBUG 300-W, which allows no commercial use; the others are CC0.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from attrxfer.errors import AttrxferError
from attrxfer_faces.points import IBUG_POINTS

SIDE = 160
"""Pictures are enlarged to this side in pixels before a face is looked for: dlib's detector knows faces of 80 and more."""
SEARCH = 1600
"""Longer side in pixels at which subjects are looked for in any picture: faces of a twentieth of it are found. Smaller
pictures are enlarged, at most twice."""
SURE = 0.15
"""Scores of dlib's detector below this are mostly not of faces."""
CLOSE = 320
"""A larger face is reduced to this side in pixels before its points are placed: dlib compares single pixels."""
SAME = 0.6
"""Embeddings nearer than this show one person, says dlib."""
HALF = np.float32(0.5)
ENLARGED = 2
INSTALL = "pip install 'attrxfer[faces]'"


def missing() -> Sequence[str]:
    """What is not installed, with the command that installs it."""
    lacking = [name for name in ("dlib", "face_recognition_models") if find_spec(name) is None]
    return [f"{', '.join(lacking)} (dlib's faces and their data): {INSTALL}"] if lacking else []


class Faces:
    """Finds the face in pictures (S, S, 3) uint8 that show one, and says where its parts are and whose it is.

    Raises AttrxferError when the extra ``faces`` is not installed.
    """

    def __init__(self) -> None:
        lacking = missing()
        if lacking:
            raise AttrxferError(f"needs {lacking[0]}")
        import dlib

        self.dlib = dlib
        self._own = threading.local()

    @property
    def detect(self) -> Any:
        """One detector a thread: it keeps the picture it looks at."""
        if not hasattr(self._own, "detector"):
            self._own.detector = self.dlib.get_frontal_face_detector()
        return self._own.detector

    @functools.cached_property
    def predictor(self) -> Any:
        return self.dlib.shape_predictor(_data("shape_predictor_68_face_landmarks.dat"))

    @functools.cached_property
    def embedder(self) -> Any:
        return self.dlib.face_recognition_model_v1(_data("dlib_face_recognition_resnet_model_v1.dat"))

    def landmarks(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        """iBUG's 68 points (68, 2) in pixels of the picture; NaN when no face is found."""
        large = enlarged(picture)
        shape = self._shape(large)
        if shape is None:
            return np.full((IBUG_POINTS, 2), np.nan, np.float32)
        points = np.array([(point.x, point.y) for point in shape.parts()], np.float32)
        return (points + 0.5) * (len(picture) / len(large)) - 0.5

    def everywhere(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        """iBUG's 68 points of every face in any picture (H, W, 3), the largest face first: (F, 68, 2) in its pixels."""
        image = Image.fromarray(picture)
        scale = min(ENLARGED, SEARCH / max(image.size))
        seen = image.resize([max(1, round(side * scale)) for side in image.size], Image.Resampling.BICUBIC, reducing_gap=3)
        boxes, scores, _ = self.detect.run(np.asarray(seen), 0, SURE)
        boxes = [box for box, score in zip(boxes, scores, strict=True) if score > SURE]
        boxes.sort(key=lambda box: box.area(), reverse=True)
        found = [self._points_in(image, np.array([box.left(), box.top(), box.width(), box.height()]) / scale) for box in boxes]
        return np.array(found, np.float32).reshape(-1, IBUG_POINTS, 2)

    def _points_in(self, image: Image.Image, box: NDArray[np.float64]) -> NDArray[np.float32]:
        """The 68 points of the face in a box (left, top, width, height), placed at the picture's own resolution."""
        left, top, side, _ = box.tolist()
        area = (round(left - side / 2), round(top - side / 2), round(left + side * 1.5), round(top + side * 1.5))
        scale = min(1.0, CLOSE / side)
        width = max(1, round((area[2] - area[0]) * scale))
        near = image.crop(area).resize((width, width), Image.Resampling.BOX) if scale < 1 else image.crop(area)
        corner = [
            round(value * scale) for value in (left - area[0], top - area[1], left + side - area[0], top + side - area[1])
        ]
        shape = self.predictor(np.asarray(near), self.dlib.rectangle(*corner))
        points = np.array([(point.x, point.y) for point in shape.parts()], np.float32)
        return (points + HALF) * ((area[2] - area[0]) / near.width) - HALF + np.array(area[:2], np.float32)

    def embeddings(self, pictures: NDArray[np.uint8], like: NDArray[np.uint8]) -> NDArray[np.float32]:
        """dlib's 128 numbers for each picture (N, S, S, 3), cut where the face of the same row of ``like`` is, so that a
        result is compared with its input in the same frame: (N, 128), NaN where ``like`` shows no face."""
        found = np.full((len(pictures), 128), np.nan, np.float32)
        for row, (picture, original) in enumerate(zip(pictures, like, strict=True)):
            shape = self._shape(enlarged(original))
            if shape is not None:
                found[row] = self.embedder.compute_face_descriptor(enlarged(picture), shape)
        return found

    def _shape(self, large: NDArray[np.uint8]) -> Any:
        """The largest face's points, as dlib has them, or None."""
        boxes = self.detect(large, 0) or self.detect(large, 1)
        return self.predictor(large, max(boxes, key=lambda box: box.area())) if boxes else None


def enlarged(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture itself, or at ``SIDE`` pixels when it is smaller."""
    if len(picture) >= SIDE:
        return np.ascontiguousarray(picture)
    return np.asarray(Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def _data(name: str) -> str:
    """face_recognition_models itself cannot be imported without pkg_resources."""
    spec = find_spec("face_recognition_models")
    assert spec is not None and spec.submodule_search_locations
    return str(Path(spec.submodule_search_locations[0]) / "models" / name)
