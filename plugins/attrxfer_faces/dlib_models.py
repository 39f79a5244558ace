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
"""Images are enlarged to this side in pixels before a face is looked for: dlib's detector knows faces of 80 and more."""
SAME = 0.6
"""Embeddings nearer than this show one person, says dlib."""
INSTALL = "pip install 'attrxfer[faces]'"


def missing_dlib() -> Sequence[str]:
    """What is not installed, with the command that installs it."""
    missing = [name for name in ("dlib", "face_recognition_models") if find_spec(name) is None]
    return [f"{', '.join(missing)} (dlib's faces and their data): {INSTALL}"] if missing else []


class Faces:
    """Finds the face in images (S, S, 3) uint8 that show one, and says where its parts are and whose it is.

    Raises AttrxferError when the extra ``faces`` is not installed.
    """

    def __init__(self) -> None:
        missing = missing_dlib()
        if missing:
            raise AttrxferError(f"needs {missing[0]}")
        import dlib

        self.dlib = dlib
        self._own = threading.local()

    @property
    def detect(self) -> Any:
        """One detector a thread: it keeps the image it looks at."""
        if not hasattr(self._own, "detector"):
            self._own.detector = self.dlib.get_frontal_face_detector()
        return self._own.detector

    @functools.cached_property
    def predictor(self) -> Any:
        return self.dlib.shape_predictor(_data("shape_predictor_68_face_landmarks.dat"))

    @functools.cached_property
    def embedder(self) -> Any:
        return self.dlib.face_recognition_model_v1(_data("dlib_face_recognition_resnet_model_v1.dat"))

    def landmarks(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """iBUG's 68 points (68, 2) in pixels of the image; NaN when no face is found."""
        large = enlarged(image)
        shape = self._shape(large)
        if shape is None:
            return np.full((IBUG_POINTS, 2), np.nan, np.float32)
        points = np.array([(point.x, point.y) for point in shape.parts()], np.float32)
        return (points + 0.5) * (len(image) / len(large)) - 0.5

    def embeddings(self, images: NDArray[np.uint8], like: NDArray[np.uint8]) -> NDArray[np.float32]:
        """dlib's 128 numbers for each image (N, S, S, 3), cut where the face of the same row of ``like`` is, so that a
        result is compared with its input in the same frame: (N, 128), NaN where ``like`` shows no face."""
        found = np.full((len(images), 128), np.nan, np.float32)
        for row, (image, original) in enumerate(zip(images, like, strict=True)):
            shape = self._shape(enlarged(original))
            if shape is not None:
                found[row] = self.embedder.compute_face_descriptor(enlarged(image), shape)
        return found

    def _shape(self, large: NDArray[np.uint8]) -> Any:
        """The largest face's points, as dlib has them, or None."""
        boxes = self.detect(large, 0) or self.detect(large, 1)
        return self.predictor(large, max(boxes, key=lambda box: box.area())) if boxes else None


def enlarged(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The image itself, or at ``SIDE`` pixels when it is smaller."""
    if len(image) >= SIDE:
        return np.ascontiguousarray(image)
    return np.asarray(Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def _data(name: str) -> str:
    """face_recognition_models itself cannot be imported without pkg_resources."""
    spec = find_spec("face_recognition_models")
    assert spec is not None and spec.submodule_search_locations
    return str(Path(spec.submodule_search_locations[0]) / "models" / name)
