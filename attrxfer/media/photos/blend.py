"""The change of a crop blended into the photo it was cut from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from attrxfer.media.images import strips
from attrxfer.media.photos.similarity import Box, Similarity, warp_back

FADE = 0.4
"""Width of the ring in which a change fades, in half sides of the crop; it ends at the circle inside the square."""
BORDER = 0.18
"""Width of the border in which nothing should change, in sides of the crop."""
SPREAD = 0.3
"""Where squares overlap, the weight of each falls as a Gaussian of the distance from its centre. This is twice its standard
deviation, in sides of the crop."""
REPLACED = 60.0
"""A change of this many steps of 255 removes two thirds of the photo's finer texture."""


def blend_weights(similarity: Similarity, others: Sequence[Similarity], box: Box) -> NDArray[np.float32]:
    """How much of a subject's change the pixels of a box take.

    Args:
        similarity: The subject's square.
        others: Squares that may overlap it; they share their pixels by nearness to their centres.
        box: The part of the photo.

    Returns:
        (h, w) in 0..1: 1 in the middle, falling smoothly to 0 at the circle inside the square: what changes in the corners,
            beside a neck, is seldom the subject's.
    """
    x, y = similarity.coordinates(box)
    own = _smooth((1 - np.hypot(2 * x - 1, 2 * y - 1)) / FADE)
    if not others:
        return own
    nearness = _nearness(x, y)
    rivals = sum(_nearness(*other.coordinates(box)) for other in others)
    return own * (nearness / (nearness + rivals + np.float32(1e-12)))


def _smooth(t: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """A smooth step from 0 at 0 to 1 at 1."""
    step = t.astype(np.float32).clip(0, 1)
    return step * step * (3 - 2 * step)


def _nearness(x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.exp(-((x - 0.5) ** 2 + (y - 0.5) ** 2) / np.float32(SPREAD**2 / 2))


def paste(
    out: NDArray[np.uint8],
    image: NDArray[np.uint8],
    crop: NDArray[np.uint8],
    result: NDArray[np.uint8],
    similarity: Similarity,
    others: Sequence[Similarity] = (),
) -> None:
    """Add what a transfer changed in a crop to a photo.

    Only the difference is enlarged, so that the photo's own texture stays, and pixels that the transfer left alone stay bit for
    bit. Where the change is large, the texture belongs to what was replaced, and is removed with it.

    Args:
        out: uint8 (H, W, 3), a copy of ``image``; changed in place.
        image: The photo.
        crop: uint8 (S, S, 3).
        result: What the model made of the crop.
        similarity: The crop's square.
        others: Squares of other subjects that may overlap.
    """
    box = similarity.bounding_box(image.shape[1], image.shape[0])
    left, top, right, bottom = box
    change = result.astype(np.float32) - crop
    change -= colour_drift(change)
    if left >= right or top >= bottom or not change.any():
        return
    replaced = 1 - np.exp(-((gaussian_filter(np.abs(change).max(2), 1) / REPLACED) ** 2))
    values = np.concatenate([change, crop, replaced[..., None]], axis=2)
    for rows in strips(bottom - top, right - left):
        strip = (left, top + rows.start, right, top + rows.stop)
        full = warp_back(values, similarity, strip)
        texture = image[strip[1] : strip[3], left:right] - full[..., 3:6]
        added = (full[..., :3] - full[..., 6:].clip(0, 1) * texture) * blend_weights(similarity, others, strip)[..., None]
        area = out[strip[1] : strip[3], left:right]
        area[:] = np.rint(area + added).clip(0, 255).astype(np.uint8)


def colour_drift(change: NDArray[np.float32]) -> NDArray[np.float32]:
    """The colour shift (3,) of a change (S, S, 3) along the crop's border, where nothing should change.

    It is the median, so that what really grows across the border (hair) does not count.
    """
    size = len(change)
    centres = ((np.arange(size) + 0.5) / size).astype(np.float32)
    window = _smooth(np.minimum(centres, 1 - centres) / BORDER)
    fading = (window[:, None] * window) < 0.5
    return np.median(change[fading], axis=0).astype(np.float32)
