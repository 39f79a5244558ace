"""Frames as RGB, and a change of the RGB image added to the frame's own samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from attrxfer.media.photos.similarity import Box

if TYPE_CHECKING:
    from av import VideoFrame

GRID = 16
"""Boxes are widened to multiples of this many pixels: no format shares a sample between more than 4 along a side."""


def add_change(frame: VideoFrame, before: NDArray[np.uint8], after: NDArray[np.uint8], box: Box) -> None:
    """Add a change of the image to a frame, in place.

    Both images are converted into the frame's own format, and their difference is added to the frame's samples. Samples of
    other pixels stay bit for bit, and samples of more than 8 bits keep their depth.

    Args:
        frame: A frame for which ``has_plain_samples`` is true.
        before: Its image, uint8 (H, W, 3).
        after: The changed image.
        box: The part of the image that changed.
    """
    left, top = (edge // GRID * GRID for edge in box[:2])
    right, bottom = (min(-(-edge // GRID) * GRID, side) for edge, side in zip(box[2:], before.shape[1::-1], strict=True))
    if left >= right or top >= bottom:
        return
    area = np.s_[top:bottom, left:right]
    old, new = (_in_format_of(frame, image[area]) for image in (before, after))
    frame.make_writable()
    for number, plane in enumerate(frame.planes):
        samples, changed = _samples(frame, number), _samples(new, number)
        rows, columns = _subsampling(plane.height, frame.height), _subsampling(plane.width, frame.width)
        own = samples[top // rows :, left // columns :][: changed.shape[0], : changed.shape[1]]
        difference = changed.astype(np.int32) - _samples(old, number)
        own[:] = (own + difference).clip(0, _largest(frame, own))


def to_rgb(frame: VideoFrame) -> NDArray[np.uint8]:
    """A frame's image, uint8 (H, W, 3)."""
    return np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)


def has_plain_samples(frame: VideoFrame) -> bool:
    """Whether the frame's pixel format consists of whole 8 or 16-bit samples, as all usual ones do."""
    pixel_format = frame.format
    bits = {part.bits for part in pixel_format.components}
    odd = pixel_format.has_palette or pixel_format.is_bit_stream or pixel_format.is_big_endian or pixel_format.is_bayer
    deep = min(bits) > 8 and max(bits) <= 16 and "x2" not in pixel_format.name and "f16" not in pixel_format.name
    return not odd and (bits == {8} or deep)


def _in_format_of(frame: VideoFrame, image: NDArray[np.uint8]) -> VideoFrame:
    from av import VideoFrame

    # swscale's number for BT.601 is 5 in both its variants; the others' are those of the frame
    matrix = 5 if frame.colorspace == 6 else frame.colorspace
    rgb = VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
    return rgb.reformat(format=frame.format.name, dst_colorspace=matrix, dst_color_range=frame.color_range)


def _samples(frame: VideoFrame, number: int) -> NDArray[Any]:
    """A plane's samples (rows, columns, samples a pixel), as a view."""
    plane, pixel_format = frame.planes[number], frame.format
    sample_bytes = 2 if pixel_format.components[0].bits > 8 else 1
    inside = sum(part.plane == number for part in pixel_format.components)
    size = pixel_format.padded_bits_per_pixel // 8 if len(frame.planes) == 1 else inside * sample_bytes
    data = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width * size]
    return data.view(np.uint16 if sample_bytes == 2 else np.uint8).reshape(plane.height, plane.width, -1)


def _largest(frame: VideoFrame, samples: NDArray[Any]) -> int:
    """The largest sample value: samples of a plane of their own lie in the low bits, others in the high ones."""
    return (1 << frame.format.components[0].bits) - 1 if samples.shape[2] == 1 else int(np.iinfo(samples.dtype).max)


def _subsampling(small: int, full: int) -> int:
    """How many pixels share a sample, along one side."""
    return 1 if small == full else 2 if small > full // 4 + 1 else 4
