"""Frames back into the form their clip had: codec, pixels, quality, colours."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from attrxfer.errors import DataError
from attrxfer.media.video.clip import Form

if TYPE_CHECKING:
    from av import Codec, VideoFrame
    from av.container import OutputContainer
    from av.video.stream import VideoStream

ENCODERS = {"h264": "libx264", "hevc": "libx265", "vp8": "libvpx", "vp9": "libvpx-vp9", "av1": "libsvtav1"}
"""Those that are not called as their codec, or are preferred."""
QUALITY: Mapping[str, Mapping[str, str]] = {
    "libx264": {"crf": "18"},
    "libx264rgb": {"crf": "18"},
    "libx265": {"crf": "20", "x265-params": "log-level=error"},
    "libvpx-vp9": {"crf": "22", "b": "0", "deadline": "good", "cpu-used": "4", "row-mt": "1"},
    "libsvtav1": {"crf": "22", "preset": "8"},
}
"""By eye like the input. Other encoders take the input's bit rate, or ``BITS`` a pixel."""
BITS = 0.2
NEEDS_EVEN = ("libx264", "libx265")
"""Of these, 4:2:0 takes no odd sides: 4:4:4 is taken then."""
FALLBACK = "h264"
FRACTION = 1001
"""Largest denominator of a frame rate: some codecs know no finer ones."""


@dataclass(frozen=True)
class Encoding:
    """How a clip's image is encoded, and how that differs from the input's, in words."""

    encoder: str
    pixels: str
    options: Mapping[str, str]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Packets:
    """Encoded frames in the order they are decoded in: data, one after the other; of each of the N its size in bytes, the
    number of its frame, and whether decoding can start there. Numbers (N,)."""

    data: NDArray[np.uint8]
    sizes: NDArray[np.int64]
    numbers: NDArray[np.int64]
    keys: NDArray[np.bool_]


def encoding(form: Form, out: Path) -> Encoding:
    """How a clip is encoded for a file of this name: the same codec and pixels where there is an encoder here and the file
    can hold it, else H.264, else what such files usually hold."""
    codec = next(found for name in (form.codec, FALLBACK, _usual(out)) if (found := _encoder(name, form, out)) is not None)
    pixels = _pixels(codec, form)
    notes = []
    if codec.canonical_name != form.codec:
        notes.append(f"{codec.canonical_name}, since {form.codec} cannot be written here")
    if pixels != form.pixels and codec.name != "libx264rgb":
        notes.append(f"pixels {pixels} instead of {form.pixels}")
    return Encoding(codec.name, pixels, _quality(codec.name, form), tuple(notes))


def _encoder(codec: str, form: Form, out: Path) -> Codec | None:
    import av
    from av.codec.codec import UnknownCodecError

    name = ENCODERS.get(codec, codec)
    if name == "libx264" and av.VideoFormat(form.pixels).is_rgb:
        name = "libx264rgb"
    try:
        with av.open(out, "w") as draft:  # never written
            return draft.add_stream(name).codec_context.codec
    except (UnknownCodecError, ValueError):
        return None


def _usual(out: Path) -> str:
    import av

    with av.open(out, "w") as draft:
        return draft.default_video_codec


def _pixels(codec: Codec, form: Form) -> str:
    from av import VideoFormat
    from av.codec.codec import find_best_pix_fmt_of_list

    pixels = form.pixels
    known = [each.name for each in codec.video_formats or ()] or [pixels]
    if pixels not in known:
        alpha = any(part.is_alpha for part in VideoFormat(pixels).components)
        best, _ = find_best_pix_fmt_of_list(known, pixels, has_alpha=alpha)
        pixels = best.name if best is not None else known[0]
    if (form.width % 2 or form.height % 2) and codec.name in NEEDS_EVEN and "420" in pixels:
        return "yuv444p"
    return pixels


def _quality(encoder: str, form: Form) -> Mapping[str, str]:
    if encoder in QUALITY:
        return QUALITY[encoder]
    return {"b": str(form.bit_rate or round(BITS * form.width * form.height * form.rate))}


def add_image(container: OutputContainer, form: Form, how: Encoding) -> VideoStream:
    """The image's stream in a container that is written. Raises DataError when the container cannot hold it."""
    rate = form.rate.limit_denominator(FRACTION)
    os.environ.setdefault("SVT_LOG", "1")  # SVT-AV1 tells its life's story otherwise
    try:
        stream = cast("VideoStream", container.add_stream(how.encoder, rate=rate, options=dict(how.options)))
    except ValueError as error:
        raise DataError(str(error)) from None
    stream.width, stream.height, stream.pix_fmt = form.width, form.height, how.pixels
    context = stream.codec_context
    context.time_base = 1 / rate
    if form.aspect:
        context.sample_aspect_ratio = form.aspect
    context.color_range, context.colorspace, context.color_primaries, context.color_trc = form.colour
    context.thread_type = "AUTO"
    return stream


def encode(frames: Iterable[VideoFrame], first: int, out: Path, form: Form, how: Encoding) -> Packets:
    """Frames from number ``first`` on as packets for a file of this name: decoding them needs no others.

    Frames are renumbered: their ``pts`` are changed.
    """
    import av

    with av.open(out, "w") as draft:  # never written: it says what its packets must be like
        stream = add_image(draft, form, how)
        packets = []
        for number, frame in enumerate(frames, first):
            ready = frame.reformat(format=how.pixels) if frame.format.name != how.pixels else frame
            ready.pts, ready.time_base = number, stream.codec_context.time_base
            ready.pict_type = 0  # the input's own key frames are no business of the encoder
            packets += stream.encode(ready)
        packets += stream.encode()
    return Packets(
        np.frombuffer(b"".join(bytes(packet) for packet in packets), np.uint8),
        np.array([packet.size for packet in packets], np.int64),
        np.array([packet.pts for packet in packets], np.int64),
        np.array([packet.is_keyframe for packet in packets], bool),
    )
