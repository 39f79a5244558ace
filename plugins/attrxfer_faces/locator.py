"""Where parts of a face are, from the landmarks that the data set knows."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.ndimage import distance_transform_edt
from scipy.spatial import ConvexHull
from skimage.draw import polygon2mask

from attrxfer.errors import DataError
from attrxfer.interfaces import Batch
from attrxfer_faces.points import CELEBA_POINTS, IBUG_POINTS, eyes_and_nose

REGIONS: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "mouth": (tuple(range(48, 68)), (3, 4)),
    "eyes": (tuple(range(17, 29)) + tuple(range(36, 48)), (0, 1)),
    "face": (tuple(range(68)), (0, 1, 2, 3, 4)),
}
"""Points of each region among iBUG's 68, and among CelebA's 5."""
FEW = 0.25
"""What CelebA's 5 points need beyond the margin, in distances of the eyes: they mark no outline."""

HALF = np.array([0, 0.5])


class Landmarks:
    """Section 3.2's attribute mask: the convex hull of a region's landmarks, expanded by a margin.

    region: "mouth", "eyes" (with brows and bridge, where glasses sit) or "face". margin: in distances between the eyes;
    the paper gives none. CelebA's 5 points mark no outline: their hull is widened by another quarter.
    """

    def __init__(self, *, region: Literal["mouth", "eyes", "face"], margin: Annotated[float, Field(ge=0, le=2)] = 0.2) -> None:
        self.region = region
        self.margin = margin
        self.known: dict[int, NDArray[np.bool_]] = {}

    def check_data(self, data: Any) -> None:
        """Raises DataError when the data set has no landmarks of a face."""
        points = data.records.landmarks
        if points is None or points.shape[1] not in (CELEBA_POINTS, IBUG_POINTS):
            raise DataError(
                f"locator landmarks ({self.region}): the data set has no {IBUG_POINTS} or {CELEBA_POINTS} landmarks of a face; "
                f"leave the local enhancer out with: --set enhancer=[]"
            )

    def masks(self, data: Any, batch: Batch) -> NDArray[np.float32]:
        size = batch.images.shape[-1]
        masks = [self._mask(data.records.landmarks, int(row), size) for row in batch.rows]
        turned = [mask[:, ::-1] if mirror else mask for mask, mirror in zip(masks, batch.mirrored, strict=True)]
        return np.stack(turned)[:, None].astype(np.float32)

    def _mask(self, landmarks: NDArray[np.float32], row: int, size: int) -> NDArray[np.bool_]:
        if row not in self.known:
            self.known[row] = region_mask(landmarks[row], self.region, self.margin, size)
        return self.known[row]


def region_mask(points: NDArray[np.float32], region: str, margin: float, size: int) -> NDArray[np.bool_]:
    """The mask (size, size) of a region of one face with 68 or 5 points (P, 2); empty where a point is missing (NaN)."""
    few = len(points) == CELEBA_POINTS
    own = points[list(REGIONS[region][few])]
    if np.isnan(own).any():
        return np.zeros((size, size), bool)
    left, right, _ = eyes_and_nose(points[None])
    reach = (margin + FEW * few) * float(np.linalg.norm(right - left))
    outside = np.ones((size, size), bool)
    for x, y in own.round().astype(int):
        outside[np.clip(y, 0, size - 1), np.clip(x, 0, size - 1)] = False
    hull = own[ConvexHull(own).vertices] if len(own) > 2 else _line(own)
    outside &= ~polygon2mask((size, size), hull[:, ::-1])
    return distance_transform_edt(outside) <= reach


def _line(ends: NDArray[np.float32]) -> NDArray[np.float32]:
    """A hull one pixel high around two points (2, 2)."""
    return np.concatenate([ends - HALF, ends[::-1] + HALF]).astype(np.float32)
