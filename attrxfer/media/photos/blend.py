"""A crop's change put back into the photo it came from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from attrxfer.media.photos.place import Box, Place, enlarge

FEATHER = 0.18
"""Width of the border in which a change fades, in sides of the crop."""
NEAR = 0.3
"""How fast the say of a subject over pixels that several squares share falls with the distance from its middle."""

NEW = 60.0
"""A change of this many steps of 255 takes two thirds of the photo's finer texture with it."""


def weights(place: Place, others: Sequence[Place], box: Box) -> NDArray[np.float32]:
    """How much of a subject's change each pixel of a box takes, (h, w) in 0..1: 1 inside its square, smoothly 0 at the
    border; where squares overlap they share by nearness."""
    x, y = place.seen(box)
    own = _window(x) * _window(y)
    if not others:
        return own
    say = _say(x, y)
    rivals = sum(_say(*other.seen(box)) for other in others)
    return own * (say / (say + rivals + np.float32(1e-12)))


def _window(t: NDArray[np.float32]) -> NDArray[np.float32]:
    """1 in the middle of 0..1, 0 at its ends and outside, with a smooth step between."""
    step = (np.minimum(t, 1 - t) / np.float32(FEATHER)).clip(0, 1)
    return step * step * (3 - 2 * step)


def _say(x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.exp(-((x - 0.5) ** 2 + (y - 0.5) ** 2) / np.float32(NEAR**2 / 2))


def paste(
    out: NDArray[np.uint8],
    image: NDArray[np.uint8],
    crop: NDArray[np.uint8],
    result: NDArray[np.uint8],
    place: Place,
    others: Sequence[Place] = (),
) -> None:
    """Put what a transfer changed in a crop (result - crop) into ``out`` (H, W, 3), a copy of ``image``, in place.

    Only the difference is enlarged, so that the photo's own texture stays, and what the transfer left alone stays to the
    bit. Where the change is large the texture belongs to what is gone, and fades with it. ``others``: squares of other
    subjects that may overlap.
    """
    box = place.bounds(image.shape[1], image.shape[0])
    left, top, right, bottom = box
    change = result.astype(np.float32) - crop
    change -= drift(change)
    if left >= right or top >= bottom or not change.any():
        return
    gone = 1 - np.exp(-((gaussian_filter(np.abs(change).max(2), 1) / NEW) ** 2))
    full = enlarge(np.concatenate([change, crop, gone[..., None]], axis=2), place, box)
    texture = image[top:bottom, left:right] - full[..., 3:6]
    added = (full[..., :3] - full[..., 6:].clip(0, 1) * texture) * weights(place, others, box)[..., None]
    area = out[top:bottom, left:right]
    area[:] = np.rint(area + added).clip(0, 255).astype(np.uint8)


def drift(change: NDArray[np.float32]) -> NDArray[np.float32]:
    """The shift of colour (3,) that most of the border of a change (S, S, 3) has, where nothing should have changed. The
    median: hair that grows across the border is no drift."""
    size = len(change)
    centres = ((np.arange(size) + 0.5) / size).astype(np.float32)
    window = _window(centres)
    fading = (window[:, None] * window) < 0.5
    return np.median(change[fading], axis=0).astype(np.float32)
