"""The two common sets of face landmarks: CelebA's 5 points and iBUG's 68."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

CELEBA_POINTS, IBUG_POINTS = 5, 68


def eyes_and_nose(points: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Left eye, right eye and nose (N, 2) each, from CelebA's 5 or iBUG's 68 points (N, P, 2)."""
    if points.shape[1] == CELEBA_POINTS:
        return points[:, 0], points[:, 1], points[:, 2]
    return points[:, 36:42].mean(1), points[:, 42:48].mean(1), points[:, 30]


def five_points(points: NDArray[Any]) -> NDArray[Any]:
    """Left eye, right eye, nose and the two corners of the mouth (N, 5, 2), from CelebA's 5 or iBUG's 68 points."""
    if points.shape[1] == CELEBA_POINTS:
        return points
    return np.stack([*eyes_and_nose(points), points[:, 48], points[:, 54]], axis=1)


def pose(points: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Sideways offset of the nose and distance between the eyes, from 5 or 68 points (N, P, 2).

    Returns:
        The offset of the nose from the middle of the eyes (N,), in eye distances, and the eye distance (N,) in pixels; NaN
        where a point is NaN.
    """
    left, right, nose = eyes_and_nose(points)
    distance = np.linalg.norm(right - left, axis=1)
    return np.abs(nose[:, 0] - (left[:, 0] + right[:, 0]) / 2) / distance.clip(1e-6), distance
