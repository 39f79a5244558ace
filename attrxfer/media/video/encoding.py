"""Frames encoded as the input was: codec, pixel format, quality, colours."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from attrxfer.errors import DataError
from attrxfer.media.video.reader import StreamFormat

if TYPE_CHECKING:
    from av import Codec, VideoFrame
    from av.container import OutputContainer
    from av.video.stream import VideoStream

ENCODERS = {"h264": "libx264", "hevc": "libx265", "vp8": "libvpx", "vp9": "libvpx-vp9", "av1": "libsvtav1"}
"""Encoders that are not named as their codec, or are preferred to the one that is."""
QUALITY: Mapping[str, Mapping[str, str]] = {
    "libx264": {"crf": "18"},
    "libx264rgb": {"crf": "18"},
    "libx265": {"crf": "20", "x265-params": "log-level=error"},
    "libvpx-vp9": {"crf": "22", "b": "0", "deadline": "good", "cpu-used": "4", "row-mt": "1"},
    "libsvtav1": {"crf": "22", "preset": "8"},
}
"""Settings whose results look like the input. Other encoders take the input's bit rate, or ``BITS_PER_PIXEL``."""
BITS_PER_PIXEL = 0.2
NEEDS_EVEN = ("libx264", "libx265")
"""Encoders that take no odd sides in 4:2:0: 4:4:4 is taken there."""
FALLBACK = "h264"
LARGEST_DENOMINATOR = 1001
"""Of a frame rate: some codecs accept no larger ones."""


@dataclass(frozen=True)
class Encoding:
    """How frames are encoded.

    Attributes:
        encoder: FFmpeg's name of the encoder.
        pixel_format: FFmpeg's name of the pixel format.
        options: The encoder's options.
        notes: How this differs from the input, in words.
    """

    encoder: str
    pixel_format: str
    options: Mapping[str, str]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Packets:
    """N encoded frames in the order they are decoded in.

    Attributes:
        data: Their bytes, one frame after another.
        sizes: (N,): bytes of each.
        numbers: (N,): number of each frame.
        keys: (N,): whether decoding can start there.
    """

    data: NDArray[np.uint8]
    sizes: NDArray[np.int64]
    numbers: NDArray[np.int64]
    keys: NDArray[np.bool_]


def choose_encoding(stream_format: StreamFormat, out: Path) -> Encoding:
    """How frames are encoded for a file of this name.

    The same codec and pixel format where there is an encoder here and the container can hold it; else H.264; else the
    container's usual codec.
    """
    names = (stream_format.codec, FALLBACK, _usual_codec(out))
    codec = next(found for name in names if (found := _find_encoder(name, stream_format, out)) is not None)
    pixel_format = _choose_pixel_format(codec, stream_format)
    notes = []
    if codec.canonical_name != stream_format.codec:
        notes.append(f"{codec.canonical_name}, since {stream_format.codec} cannot be written here")
    if pixel_format != stream_format.pixel_format and codec.name != "libx264rgb":
        notes.append(f"pixels {pixel_format} instead of {stream_format.pixel_format}")
    return Encoding(codec.name, pixel_format, _quality(codec.name, stream_format), tuple(notes))


def _find_encoder(codec: str, stream_format: StreamFormat, out: Path) -> Codec | None:
    import av
    from av.codec.codec import UnknownCodecError

    name = ENCODERS.get(codec, codec)
    if name == "libx264" and av.VideoFormat(stream_format.pixel_format).is_rgb:
        name = "libx264rgb"
    try:
        with av.open(out.absolute(), "w") as draft:  # nothing is written
            return draft.add_stream(name).codec_context.codec
    except (UnknownCodecError, ValueError):
        return None


def _usual_codec(out: Path) -> str:
    import av

    with av.open(out.absolute(), "w") as draft:
        return draft.default_video_codec


def _choose_pixel_format(codec: Codec, stream_format: StreamFormat) -> str:
    from av import VideoFormat
    from av.codec.codec import find_best_pix_fmt_of_list

    chosen = stream_format.pixel_format
    known = [each.name for each in codec.video_formats or ()] or [chosen]
    if chosen not in known:
        alpha = any(part.is_alpha for part in VideoFormat(chosen).components)
        best, _ = find_best_pix_fmt_of_list(known, chosen, has_alpha=alpha)
        chosen = best.name if best is not None else known[0]
    if (stream_format.width % 2 or stream_format.height % 2) and codec.name in NEEDS_EVEN and "420" in chosen:
        return "yuv444p"
    return chosen


def _quality(encoder: str, stream_format: StreamFormat) -> Mapping[str, str]:
    if encoder in QUALITY:
        return QUALITY[encoder]
    pixels = stream_format.width * stream_format.height * stream_format.frame_rate
    return {"b": str(stream_format.bit_rate or round(BITS_PER_PIXEL * pixels))}


def add_video_stream(container: OutputContainer, stream_format: StreamFormat, encoding: Encoding) -> VideoStream:
    """Add the video stream to a container that is written.

    Raises:
        DataError: The container cannot hold it.
    """
    rate = stream_format.frame_rate.limit_denominator(LARGEST_DENOMINATOR)
    os.environ.setdefault("SVT_LOG", "1")  # errors only: SVT-AV1 prints its settings otherwise
    try:
        stream = cast("VideoStream", container.add_stream(encoding.encoder, rate=rate, options=dict(encoding.options)))
    except ValueError as error:
        raise DataError(str(error)) from None
    stream.width, stream.height, stream.pix_fmt = stream_format.width, stream_format.height, encoding.pixel_format
    context = stream.codec_context
    context.time_base = 1 / rate
    if stream_format.sample_aspect_ratio:
        context.sample_aspect_ratio = stream_format.sample_aspect_ratio
    context.color_range, context.colorspace, context.color_primaries, context.color_trc = stream_format.colour
    context.thread_type = "AUTO"
    return stream


def encode(frames: Iterable[VideoFrame], first: int, out: Path, stream_format: StreamFormat, encoding: Encoding) -> Packets:
    """Encode frames into packets that can be decoded without any others.

    Args:
        frames: The frames. Their ``pts`` are changed to their numbers.
        first: Number of the first.
        out: The file that the packets are for; it is not written.
        stream_format: What the frames have in common.
        encoding: How they are encoded.
    """
    import av

    with av.open(out.absolute(), "w") as draft:  # nothing is written: the container tells the encoder what packets it needs
        stream = add_video_stream(draft, stream_format, encoding)
        packets = []
        for number, frame in enumerate(frames, first):
            same = frame.format.name == encoding.pixel_format
            ready = frame if same else frame.reformat(format=encoding.pixel_format)
            ready.pts, ready.time_base = number, stream.codec_context.time_base
            ready.pict_type = 0  # the encoder chooses its own key frames
            packets += stream.encode(ready)
        packets += stream.encode()
    return Packets(
        np.frombuffer(b"".join(bytes(packet) for packet in packets), np.uint8),
        np.array([packet.size for packet in packets], np.int64),
        np.array([packet.pts for packet in packets], np.int64),
        np.array([packet.is_keyframe for packet in packets], bool),
    )
