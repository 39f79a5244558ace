"""Where parts of a face are, from landmarks of the data set or of dlib."""

from __future__ import annotations

import functools
import hashlib
import io
import logging
from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.ndimage import distance_transform_edt
from scipy.spatial import ConvexHull
from skimage.draw import polygon2mask

from attrxfer.errors import DataError
from attrxfer.interfaces import Batch, Broken, DatasetView
from attrxfer.storage.cache import cached
from attrxfer_faces.dlib_models import Faces, missing_dlib
from attrxfer_faces.face_detector import detect_faces
from attrxfer_faces.points import CELEBA_POINTS, IBUG_POINTS, eyes_and_nose, five_points

REGIONS: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "mouth": (tuple(range(48, 68)), (3, 4)),
    "eyes": (tuple(range(17, 29)) + tuple(range(36, 48)), (0, 1)),
    "face": (tuple(range(68)), (0, 1, 2, 3, 4)),
}
"""Points of each region among iBUG's 68, and among CelebA's 5."""
MARGIN_OF_FIVE = 0.25
"""Additional margin for CelebA's 5 points, which mark no outline, in distances between the eyes."""

HALF = np.array([0, 0.5])
HALF_PIXEL = 0.5
FULL, CHUNK = 160, 64
"""Side in pixels of the images that dlib gets; images in a chunk."""
Region = Literal["mouth", "eyes", "face"]
log = logging.getLogger("attrxfer")


class Landmarks:
    """Section 3.2's attribute mask from the data set's own landmarks: the convex hull of a region's landmarks, widened.

    CelebA's 5 points mark no outline: their hull is widened by a further 0.25 distances between the eyes.

    Args:
        region: "mouth", "eyes" (with the brows and the bridge of the nose, where glasses sit) or "face".
        margin: How far the hull is widened, in distances between the eyes; the paper gives no number.
    """

    def __init__(self, *, region: Region = "face", margin: Annotated[float, Field(ge=0, le=2)] = 0.2) -> None:
        self.region = region
        self.margin = margin
        self._masks: dict[int, NDArray[np.bool_]] = {}

    def check_data(self, data: DatasetView) -> None:
        """Check that the data set has landmarks of faces.

        Raises:
            DataError: It has none.
        """
        if face_landmarks(data) is None:
            raise DataError(
                f"locator landmarks ({self.region}): the data set has no {IBUG_POINTS} or {CELEBA_POINTS} landmarks of a face; "
                f"detect them with: --set train.local_enhancer.locator.use=dlib, or leave the local enhancer out with: "
                f"--set enhancer=[]"
            )

    def points(self, data: DatasetView) -> NDArray[np.float32]:
        """Landmarks (N, P, 2) of all images, NaN where there are none."""
        points = face_landmarks(data)
        assert points is not None, "check_data was not called"
        return points

    def masks(self, data: DatasetView, batch: Batch) -> NDArray[np.float32]:
        size = batch.images.shape[-1]
        masks = [self._mask(self.points(data), int(row), size) for row in batch.rows]
        mirrored = [mask[:, ::-1] if mirror else mask for mask, mirror in zip(masks, batch.mirrored, strict=True)]
        return np.stack(mirrored)[:, None].astype(np.float32)

    def _mask(self, landmarks: NDArray[np.float32], row: int, size: int) -> NDArray[np.bool_]:
        if row not in self._masks:
            self._masks[row] = region_mask(landmarks[row], self.region, self.margin, size)
        return self._masks[row]


class Dlib(Landmarks):
    """The same from iBUG's 68 points, which dlib (extra ``faces``) detects.

    Before the first stage, the points of all usable images are detected at 160 pixels and stored in the cache. The region is
    empty where dlib finds no face.

    It also detects faces in any image, as five points: left eye, right eye, tip of the nose, corners of the mouth.
    """

    @classmethod
    def missing(cls, *, region: Region = "face", margin: float = 0.2) -> Sequence[str]:
        return missing_dlib()

    def check_data(self, data: DatasetView) -> None:
        self._points = dlib_landmarks(data)

    def points(self, data: DatasetView) -> NDArray[np.float32]:
        return self._points

    subject = "face"

    def detect(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Detect all faces in an image.

        Args:
            image: uint8 RGB (H, W, 3).

        Returns:
            Five points of each face (F, 5, 2), the largest face first.

        Raises:
            AttrxferError: dlib is not installed.
        """
        return five_points(detect_faces(image, self.faces))

    def reduce(self, landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
        if landmarks.shape[1] not in (CELEBA_POINTS, IBUG_POINTS):
            raise DataError(f"{landmarks.shape[1]} landmarks are not those of a face ({CELEBA_POINTS} or {IBUG_POINTS})")
        return five_points(landmarks)

    def distances(self, images: NDArray[np.uint8], results: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Distances (N,) of dlib's face embeddings; two photos of one person are below 0.6. NaN where no face is found."""
        before, after = (self.faces.embeddings(each, like=images) for each in (images, results))
        found: NDArray[np.float32] = np.linalg.norm(after - before, axis=1)
        return found

    @functools.cached_property
    def faces(self) -> Faces:
        return Faces()


class Auto(Dlib):
    """68 points: the data set's own, else dlib's, which section 3.2 takes. Where dlib is not installed, the data set's five
    points, and a line says so."""

    @classmethod
    def missing(cls, *, region: Region = "face", margin: float = 0.2) -> Sequence[str]:
        return []

    def check_data(self, data: DatasetView) -> None:
        """Read the landmarks, or detect them.

        Raises:
            DataError: The data set has none, and dlib is not installed.
        """
        points = face_landmarks(data)
        if points is not None and points.shape[1] == IBUG_POINTS:
            self._points = points
        elif not missing_dlib():
            super().check_data(data)
        elif points is not None:
            log.warning(
                "locator auto (%s): the data set's five points give a coarse region; 68 points take %s",
                self.region, missing_dlib()[0],
            )  # fmt: skip
            self._points = points
        else:
            raise DataError(
                f"locator auto ({self.region}): the data set has no landmarks of a face; missing: {missing_dlib()[0]}"
            )


def face_landmarks(data: DatasetView) -> NDArray[np.float32] | None:
    """The data set's own landmarks (N, 5 or 68, 2) of faces; None where it has none."""
    points = data.records.landmarks
    return points if points is not None and points.shape[1] in (CELEBA_POINTS, IBUG_POINTS) else None


def dlib_landmarks(data: DatasetView) -> NDArray[np.float32]:
    """dlib's 68 landmarks of the usable images, stored in the cache under a hash of the images and of which are usable.

    Returns:
        (N, 68, 2) in pixels of the run's images; NaN for unusable images and where no face is found.
    """
    usable = hashlib.sha256(data.usable.tobytes()).hexdigest()[:8]

    def detected() -> bytes:
        buffer = io.BytesIO()
        np.save(buffer, _detected(data), allow_pickle=False)
        return buffer.getvalue()

    points: NDArray[np.float32] = np.load(cached(f"landmarks/{data.key}-{usable}.npy", detected), allow_pickle=False)
    return points


def _detected(data: DatasetView) -> NDArray[np.float32]:
    points = np.full((len(data.records), IBUG_POINTS, 2), np.nan, np.float32)
    rows = np.flatnonzero(data.usable)
    log.info("detecting the landmarks of %d faces with dlib", len(rows))
    faces, scale = Faces(), data.images_u8(rows[:1]).shape[1] / FULL
    for start in range(0, len(rows), CHUNK):
        chunk = rows[start : start + CHUNK]
        for row, image in zip(chunk, data.read(chunk.tolist(), FULL), strict=True):
            if not isinstance(image, Broken):
                points[row] = (faces.landmarks(image) + HALF_PIXEL) * scale - HALF_PIXEL
    return points


def region_mask(points: NDArray[np.float32], region: str, margin: float, size: int) -> NDArray[np.bool_]:
    """The mask (size, size) of a region, from the 68 or 5 points (P, 2) of a face; empty where a point of it is NaN."""
    few = len(points) == CELEBA_POINTS
    own = points[list(REGIONS[region][few])]
    if np.isnan(own).any():
        return np.zeros((size, size), bool)
    left, right, _ = eyes_and_nose(points[None])
    reach = (margin + MARGIN_OF_FIVE * few) * float(np.linalg.norm(right - left))
    outside = np.ones((size, size), bool)
    for x, y in own.round().astype(int):
        outside[np.clip(y, 0, size - 1), np.clip(x, 0, size - 1)] = False
    hull = own[ConvexHull(own).vertices] if len(own) > 2 else _line(own)
    outside &= ~polygon2mask((size, size), hull[:, ::-1])
    return distance_transform_edt(outside) <= reach


def _line(ends: NDArray[np.float32]) -> NDArray[np.float32]:
    """A polygon one pixel high around two points (2, 2), which have no convex hull."""
    return np.concatenate([ends - HALF, ends[::-1] + HALF]).astype(np.float32)
