"""A frame's colours, and a change of them added to the frame as it is stored: what did not change keeps its every sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from attrxfer.media.photos.similarity import Box

if TYPE_CHECKING:
    from av import VideoFrame

GRID = 16
"""Boxes are widened to multiples of this: no format shares a sample between more pixels than 4."""


def add_change(frame: VideoFrame, before: NDArray[np.uint8], after: NDArray[np.uint8], box: Box) -> None:
    """Add to a frame, in place, what changed from ``before`` to ``after`` (H, W, 3) within a box.

    Both are turned into the frame's own format, and the difference is added to the frame's samples: those of other pixels
    stay to the bit, and so does the depth of more than 8 bits.
    """
    left, top = (edge // GRID * GRID for edge in box[:2])
    right, bottom = (min(-(-edge // GRID) * GRID, side) for edge, side in zip(box[2:], before.shape[1::-1], strict=True))
    if left >= right or top >= bottom:
        return
    area = np.s_[top:bottom, left:right]
    old, new = (_in_format_of(frame, colours[area]) for colours in (before, after))
    frame.make_writable()
    for number, plane in enumerate(frame.planes):
        samples, changed = _samples(frame, number), _samples(new, number)
        down, across = _shrunk(plane.height, frame.height), _shrunk(plane.width, frame.width)
        own = samples[top // down :, left // across :][: changed.shape[0], : changed.shape[1]]
        difference = changed.astype(np.int32) - _samples(old, number)
        own[:] = (own + difference).clip(0, _most(frame, own))


def image(frame: VideoFrame) -> NDArray[np.uint8]:
    """A frame's colours, (H, W, 3)."""
    return np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)


def can(frame: VideoFrame) -> bool:
    """Whether the frame's format is one of whole 8 or 16-bit samples in planes, as all usual ones are."""
    form = frame.format
    bits = {part.bits for part in form.components}
    plain = not (form.has_palette or form.is_bit_stream or form.is_big_endian or form.is_bayer)
    return plain and (bits == {8} or (min(bits) > 8 and max(bits) <= 16 and "x2" not in form.name and "f16" not in form.name))


def _in_format_of(frame: VideoFrame, colours: NDArray[np.uint8]) -> VideoFrame:
    from av import VideoFrame

    # swscale's number for BT.601 is 5 in both its variants; the others' are those of the frame
    matrix = 5 if frame.colorspace == 6 else frame.colorspace
    coloured = VideoFrame.from_ndarray(np.ascontiguousarray(colours), format="rgb24")
    return coloured.reformat(format=frame.format.name, dst_colorspace=matrix, dst_color_range=frame.color_range)


def _samples(frame: VideoFrame, number: int) -> NDArray[Any]:
    """A plane's samples (rows, columns, samples a pixel), as a view."""
    plane, form = frame.planes[number], frame.format
    wide = 2 if form.components[0].bits > 8 else 1
    inside = sum(part.plane == number for part in form.components)
    size = form.padded_bits_per_pixel // 8 if len(frame.planes) == 1 else inside * wide
    data = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width * size]
    return data.view(np.uint16 if wide == 2 else np.uint8).reshape(plane.height, plane.width, -1)


def _most(frame: VideoFrame, samples: NDArray[Any]) -> int:
    """The largest sample: those of a plane of their own lie in the low bits, others in the high ones."""
    return (1 << frame.format.components[0].bits) - 1 if samples.shape[2] == 1 else int(np.iinfo(samples.dtype).max)


def _shrunk(small: int, full: int) -> int:
    """How many pixels share a sample, along one side."""
    return 1 if small == full else 2 if small > full // 4 + 1 else 4
