"""Videos of moving squares with a tone, and what finds and changes squares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

import av
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from attrxfer.media.photos import Photos

WIDTH, HEIGHT, SIZE = 96, 80, 32
CORNERS = np.array([[0, 0], [1, 0], [0.5, 0.5], [0, 1], [1, 1]], np.float32)
RATE = 25


def scene(
    squares: Sequence[tuple[float, float, float]], width: int = WIDTH, height: int = HEIGHT, seed: int = 0
) -> NDArray[Any]:
    """A still, dim texture with bright squares (left, top, side), drawn to parts of a pixel."""
    image = np.random.default_rng(seed).integers(20, 60, (height, width, 3)).astype(np.float32)
    for left, top, side in squares:
        x = (np.minimum(np.arange(width) + 1, left + side) - np.maximum(np.arange(width), left)).clip(0, 1)
        y = (np.minimum(np.arange(height) + 1, top + side) - np.maximum(np.arange(height), top)).clip(0, 1)
        share = (y[:, None] * x)[..., None]
        image = image * (1 - share) + np.array([220, 200, 180]) * share
    return image.round().astype(np.uint8)


def moving(count: int = 24) -> list[NDArray[np.uint8]]:
    """One square that moves slowly to the right."""
    return [scene([(20 + 0.6 * i, 18 + 0.3 * i, 34)]) for i in range(count)]


def write(
    path: Path,
    images: Iterable[NDArray[np.uint8]],
    codec: str = "ffv1",
    pixels: str = "bgr0",
    times: Sequence[int] | None = None,
    time_base: Fraction = Fraction(1, 1000),
    sound: str | None = "aac",
    options: dict[str, str] | None = None,
    **colour: int,
) -> Path:
    """A video file with its title, frames at ``times`` in units of ``time_base`` (25 a second when None), and a tone."""
    images = list(images)
    with av.open(path, "w") as container:
        container.metadata["title"] = "Squares"
        stream: Any = container.add_stream(codec, rate=RATE, options=options or {})
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = pixels
        stream.codec_context.time_base = time_base if times else Fraction(1, RATE)
        for name, value in colour.items():
            setattr(stream.codec_context, name, value)
        voice: Any = container.add_stream(sound, rate=48000, layout="mono") if sound else None
        for i, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            frame = frame.reformat(format=pixels)
            frame.pts, frame.time_base = times[i] if times else i, stream.codec_context.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if voice is not None:
            tone = np.sin(np.arange(48000 * len(images) // RATE) * 0.05).astype(np.float32) / 4
            form = voice.codec_context.codec.audio_formats[0].name
            for start in range(0, len(tone) - 960, 960):
                part = tone[None, start : start + 960]
                part = part if form == "fltp" else (part * 32767).astype(np.int16)
                heard = av.AudioFrame.from_ndarray(part, format="fltp" if form == "fltp" else "s16", layout="mono")
                heard.sample_rate, heard.pts, heard.time_base = 48000, start, Fraction(1, 48000)
                container.mux(voice.encode(heard))
            container.mux(voice.encode())
    return path


def read(path: Path, form: str = "rgb24") -> list[NDArray[Any]]:
    with av.open(path) as container:
        return [frame.to_ndarray(format=form) for frame in container.decode(video=0)]


def times(path: Path) -> list[int | None]:
    with av.open(path) as container:
        return [frame.pts for frame in container.decode(video=0)]


def packets(path: Path, kind: str = "audio") -> list[tuple[int | None, int | None, bytes]]:
    """Times and bytes of the packets of the first stream of a kind."""
    with av.open(path) as container:
        stream = next(stream for stream in container.streams if stream.type == kind)
        return [(packet.pts, packet.duration, bytes(packet)) for packet in container.demux(stream) if packet.size]


class Bright:
    """Finds bright squares; five points: the corners and the middle. ``noise``: of each point, in pixels. ``blind``: calls at
    which nothing is found."""

    def __init__(self, noise: float = 0.0, blind: Iterable[int] = ()) -> None:
        self.noise = noise
        self.blind = set(blind)
        self.calls = 0
        self.random = np.random.default_rng(0)

    subject = "face"

    def detect(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.calls += 1
        share = ((image.astype(np.float32).mean(2) - 60) / 140).clip(0, 1)
        labels, _ = ndimage.label(share > 0.3)
        found = []
        for rows, columns in ndimage.find_objects(labels):
            inside = share[max(0, rows.start - 1) : rows.stop + 1, max(0, columns.start - 1) : columns.stop + 1]
            width, height = inside.max(0).sum(), inside.max(1).sum()
            if min(width, height) < 8 or abs(width - height) > 2:
                continue
            middle = np.array([columns.start + columns.stop, rows.start + rows.stop]) / 2 - 0.5
            found.append(middle + (CORNERS - 0.5) * [width, height])
        found.sort(key=lambda points: -float(np.ptp(points[:, 0])))
        if self.calls in self.blind:
            found = []
        points = np.array(found, np.float32).reshape(-1, 5, 2)
        return points + self.random.normal(0, self.noise, points.shape).astype(np.float32) if self.noise else points

    def reduce(self, landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
        return landmarks


class Dots:
    """A model that draws a dot in the middle of its crop."""

    name = "dots"
    size = SIZE
    framing = None
    alignment = 8 + 16 * CORNERS
    guided: ClassVar[dict[str, bool]] = {}
    can_change = ()

    def __init__(self) -> None:
        self.seen = 0
        self.metadata: Mapping[str, Any] = {
            "alignment": (8 + 16 * CORNERS).tolist(),
            "sha256": {"weights": "0"},
            "task": {"name": "dots", "guided": {}},
        }

    def images(self, images_u8: NDArray[np.uint8], strength: float = 1.0) -> NDArray[np.uint8]:
        self.seen += len(images_u8)
        y, x = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
        dot = (60 * np.exp(-(x**2 + y**2) / 18))[..., None] * np.array([-1, -0.5, 0.5])
        return (images_u8 + strength * dot).clip(0, 255).round().astype(np.uint8)


def photos(noise: float = 0.0, blind: Iterable[int] = ()) -> Photos:
    return Photos(Dots(), Bright(noise, blind))
