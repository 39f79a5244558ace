"""Whole images of any size through networks: in tiles that overlap as far as a pixel of the result depends on the image."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

MULTIPLE = 16
"""Networks take sides that are multiples of this; the image is continued to the next one by its mirror image."""
SIDE = 512
"""Side of a tile in pixels, at least. It bounds the memory, whatever the image's size."""
MOST = 128
"""The greatest reach that is measured: that of networks that look at the whole image, as instance normalisation does."""
Image = NDArray[np.uint8]


def in_tiles(run: Callable[[Image], Image], image: Image, reach: int, side: int = SIDE) -> Image:
    """Run networks on a whole image, one tile after the other.

    The result is what the networks make of the image in one pass, but for rounding: each tile is cut with ``reach`` pixels
    around what is kept of it, and begins at a multiple of 16, where strided networks begin anew. Tiles at the image's border
    end there, so that the networks see the border as they see it in one pass.

    Args:
        run: From images uint8 (1, H, W, 3), H and W multiples of 16, to results of the same shape.
        image: uint8 (H, W, 3) of any size.
        reach: How far in pixels a result depends on the image.
        side: Side of a tile in pixels, a multiple of 16; larger where ``reach`` needs it.

    Returns:
        uint8 (H, W, 3).
    """
    height, width = image.shape[:2]
    padded = np.pad(image, ((0, -height % MULTIPLE), (0, -width % MULTIPLE), (0, 0)), mode="symmetric")
    margin = _round_up(reach)
    side = max(side, 4 * margin, MULTIPLE)
    result = np.empty_like(padded)
    for top, bottom, first, last in _spans(padded.shape[0], side, margin):
        for left, right, start, stop in _spans(padded.shape[1], side, margin):
            made = run(padded[None, top:bottom, left:right])[0]
            result[first:last, start:stop] = made[first - top : last - top, start - left : stop - left]
    return np.ascontiguousarray(result[:height, :width])


def _spans(length: int, side: int, margin: int) -> list[tuple[int, int, int, int]]:
    """Tiles along an axis: begin and end of each, and begin and end of what is kept of it. ``length`` is a multiple of 16."""
    if length <= side:
        return [(0, length, 0, length)]
    starts = [*range(0, length - side, side - 2 * margin), length - side]
    kept = [start + margin if start else 0 for start in starts] + [length]
    return [(start, start + side, kept[number], kept[number + 1]) for number, start in enumerate(starts)]


def _round_up(value: int) -> int:
    return -(-value // MULTIPLE) * MULTIPLE
