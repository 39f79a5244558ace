"""How much more a result changes from frame to frame than its input."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from attrxfer.media.photos.similarity import estimate_similarity, extract_crop


def flicker(
    before: Iterable[NDArray[np.uint8]],
    after: Iterable[NDArray[np.uint8]],
    points: Iterable[NDArray[np.float32]],
    alignment: NDArray[np.float32],
    size: int,
) -> float:
    """Change between neighbouring frames of a result, as a multiple of its input's, after the subject is aligned.

    Changes are mean absolute differences of the subject's crops.

    Args:
        before: T frames (H, W, 3) of the input.
        after: T frames of the result.
        points: (P, 2) of the subject in each of them, in pixels.
        alignment: (P, 2): where these lie in a crop.
        size: Side of the crop in pixels.

    Returns:
        1 where the result is as steady as the input; NaN for fewer than two frames, or an input that does not change at all.
    """
    changes = np.zeros(2)
    last: list[NDArray[np.float32]] = []
    for old, new, own in zip(before, after, points, strict=True):
        similarity = estimate_similarity(own, alignment, size)
        if similarity is None:
            last = []
            continue
        crops = [extract_crop(frame, similarity).astype(np.float32) for frame in (old, new)]
        if last:
            changes += [np.abs(crop - earlier).mean() for crop, earlier in zip(crops, last, strict=True)]
        last = crops
    return float(changes[1] / changes[0]) if changes[0] else float("nan")
