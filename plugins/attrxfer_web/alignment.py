"""The three points of a face that the page finds, or lets a person place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from attrxfer.errors import AttrxferError
from attrxfer.interfaces import Model

CELEBA_POINTS, IBUG_POINTS = 5, 68
Points = NDArray[np.float64]


def three_points(points: NDArray[np.floating]) -> Points:
    """The middle of the left and of the right eye and of the mouth (N, 3, 2), from CelebA's 5 or iBUG's 68 points (N, P, 2)."""
    values = points.astype(np.float64)
    if values.shape[1] == CELEBA_POINTS:
        eyes, corners = values[:, :2], values[:, 3:]
    else:
        eyes = np.stack([values[:, 36:42].mean(1), values[:, 42:48].mean(1)], axis=1)
        corners = values[:, [48, 54]]
    return np.concatenate([eyes, corners.mean(1, keepdims=True)], axis=1)


def alignment_of(model: Model) -> Points:
    """Where the three points (3, 2) lie in a model's training images, x and y in pixels.

    Raises:
        AttrxferError: The model was not trained on aligned faces.
    """
    if model.alignment is None or len(model.alignment) not in (CELEBA_POINTS, IBUG_POINTS):
        has = "no landmarks" if model.alignment is None else f"{len(model.alignment)} points"
        raise AttrxferError(
            f"{model.name}: the page aligns faces by {CELEBA_POINTS} or {IBUG_POINTS} landmarks, and this model's training "
            f"images have {has}"
        )
    return three_points(model.alignment[None])[0]
