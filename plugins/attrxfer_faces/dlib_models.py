"""dlib's face detector, predictor of 68 landmarks, and face embedding (extra ``faces``). Nothing is downloaded.

The landmark predictor was trained on iBUG 300-W, which allows no commercial use; the other models are CC0.
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
from attrxfer.plugin.distribution import install
from attrxfer_faces.points import IBUG_POINTS

SIDE = 160
"""Smaller images are enlarged to this side in pixels: dlib's detector finds faces of 80 pixels and more."""
SAME = 0.6
"""dlib's own threshold: embeddings nearer than this show one person."""
INSTALL = install("faces")


def missing_dlib() -> Sequence[str]:
    """The packages that are not installed, with the command that installs them; empty when all are."""
    missing = [name for name in ("dlib", "face_recognition_models") if find_spec(name) is None]
    return [f"{', '.join(missing)} (dlib's faces and their data): {INSTALL}"] if missing else []


class Faces:
    """Landmarks and embeddings of uint8 images (S, S, 3) that show one face. The largest face counts.

    Raises:
        AttrxferError: The extra ``faces`` is not installed.
    """

    def __init__(self) -> None:
        missing = missing_dlib()
        if missing:
            raise AttrxferError(f"missing: {missing[0]}")
        import dlib

        self.dlib = dlib
        self._of_thread = threading.local()

    @property
    def detect(self) -> Any:
        """A detector for each thread, since it keeps state about the image it works on."""
        if not hasattr(self._of_thread, "detector"):
            self._of_thread.detector = self.dlib.get_frontal_face_detector()
        return self._of_thread.detector

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
        """dlib's face embedding of each image, cut out where the face of another image is.

        Args:
            images: uint8 (N, S, S, 3).
            like: uint8 (N, S, S, 3); faces are detected here, so that a result and its input are cut out alike.

        Returns:
            (N, 128); NaN where no face is found in ``like``.
        """
        embeddings = np.full((len(images), 128), np.nan, np.float32)
        for row, (image, original) in enumerate(zip(images, like, strict=True)):
            shape = self._shape(enlarged(original))
            if shape is not None:
                embeddings[row] = self.embedder.compute_face_descriptor(enlarged(image), shape)
        return embeddings

    def _shape(self, large: NDArray[np.uint8]) -> Any:
        """The landmarks of the largest face as a dlib object; None where no face is found."""
        boxes = self.detect(large, 0) or self.detect(large, 1)
        return self.predictor(large, max(boxes, key=lambda box: box.area())) if boxes else None


def enlarged(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The image, enlarged to ``SIDE`` pixels when it is smaller."""
    if len(image) >= SIDE:
        return np.ascontiguousarray(image)
    return np.asarray(Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def _data(name: str) -> str:
    """Path of a data file of face_recognition_models, which cannot be imported without pkg_resources."""
    spec = find_spec("face_recognition_models")
    assert spec is not None and spec.submodule_search_locations
    return str(Path(spec.submodule_search_locations[0]) / "models" / name)
