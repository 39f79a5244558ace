"""The two sets of landmarks that face data come with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CELEBA_POINTS, IBUG_POINTS = 5, 68


def eyes_and_nose(points: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Left eye, right eye and nose (N, 2) each, from CelebA's 5 or iBUG's 68 points (N, P, 2)."""
    if points.shape[1] == CELEBA_POINTS:
        return points[:, 0], points[:, 1], points[:, 2]
    return points[:, 36:42].mean(1), points[:, 42:48].mean(1), points[:, 30]
