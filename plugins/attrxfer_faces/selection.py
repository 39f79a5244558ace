"""Selection of nearly frontal faces."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from attrxfer.interfaces import Records
from attrxfer_faces.points import CELEBA_POINTS, IBUG_POINTS, pose


class Frontal:
    """Keeps faces that are nearly frontal and not too small, by their landmarks; the paper chose by eye.

    Faces without landmarks are kept.

    Args:
        size: Side of the images in pixels.
        max_yaw: Greatest sideways offset of the nose from the middle of the eyes that is kept, in eye distances.
        min_eyes: Least eye distance that is kept, as a share of the side.
    """

    def __init__(
        self,
        *,
        size: Annotated[int, Field(ge=1)] = 64,
        max_yaw: Annotated[float, Field(gt=0)] = 0.22,
        min_eyes: Annotated[float, Field(ge=0, lt=1)] = 0.1875,
    ) -> None:
        self.size = size
        self.max_yaw = max_yaw
        self.min_eyes = min_eyes

    def keep(self, records: Records) -> NDArray[np.bool_]:
        """Which faces (N,) are kept."""
        points = records.landmarks
        if points is None or points.shape[1] not in (CELEBA_POINTS, IBUG_POINTS):
            return np.ones(len(records), bool)
        yaw, distance = pose(points)
        fit = (yaw < self.max_yaw) & (distance > self.min_eyes * self.size)
        return fit | np.isnan(points).any((1, 2))
