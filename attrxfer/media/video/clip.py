"""A video file as it is: what its image is made of, and its frames, upright, in their order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrxfer.errors import AttrxferError, DataError

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

SUFFIXES = frozenset({".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv", ".ts", ".webm", ".wmv"})
INSTALL = "pip install 'attrxfer[video]'"
UPRIGHT = {90: "transpose=cclock", 180: "hflip,vflip", 270: "transpose=clock"}
"""What turns a frame as its file says, by degrees counter-clockwise."""


def is_video(path: Path) -> bool:
    """By its suffix; hidden files are none."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def require() -> None:
    """Raises AttrxferError when PyAV is not installed."""
    if find_spec("av") is None:
        raise AttrxferError(f"videos need PyAV: {INSTALL}")


@dataclass(frozen=True)
class Form:
    """What the frames of a clip have in common. width, height: upright, in pixels. bit_rate: of the image, bits a second,
    0 where the file does not say. colour: range, matrix, primaries and transfer, by FFmpeg's numbers."""

    codec: str
    pixels: str
    width: int
    height: int
    rate: Fraction
    bit_rate: int
    aspect: Fraction | None
    colour: tuple[int, int, int, int]


class Clip:
    """An opened video file; a context manager.

    Raises DataError for a file that is no video, has no image in it, or has one that cannot be kept.
    """

    def __init__(self, path: Path) -> None:
        require()
        import av

        self.path = path
        self.broken = 0
        """Packets that could not be decoded so far."""
        try:
            self.container: InputContainer = av.open(path)
        except (av.FFmpegError, ValueError) as error:
            if isinstance(error, FileNotFoundError):
                raise DataError(f"{path}: no such file or folder") from None
            raise DataError(f"{path}: not a video ({_reason(error)})") from None
        try:
            self.stream = self._image()
        except BaseException:
            self.container.close()
            raise

    def __enter__(self) -> Clip:
        return self

    def __exit__(self, *error: object) -> None:
        self.container.close()

    def _image(self) -> VideoStream:
        """The stream that is transferred: the first that is no cover."""
        from av.stream import Disposition

        for stream in self.container.streams.video:
            if stream.disposition & Disposition.attached_pic:
                continue
            if stream.metadata.get("alpha_mode") == "1":
                raise DataError(f"{self.path}: has transparency, which {stream.codec_context.name} does not give out: "
                                f"turn it into a .mov of PNG or ProRes 4444 first")  # fmt: skip
            stream.thread_type = "AUTO"
            return stream
        others = sorted({stream.type for stream in self.container.streams})
        raise DataError(f"{self.path}: no image in it, only {', '.join(others) or 'nothing'}")

    def frames(self) -> Iterator[VideoFrame]:
        """All frames that can be decoded, upright, each with its ``pts`` in the stream's time base, which rise: where the
        file has none, or one not later than the last frame's, it is a usual duration later.

        Packets that are broken are left out and counted. Raises DataError when there is no frame, or frames change size.
        """
        first: tuple[int, int, str] | None = None
        last: int | None = None
        turned: Any = None
        for frame in self._decoded():
            kind = (frame.width, frame.height, frame.format.name)
            if first is None:
                first, turned = kind, _turner(frame, self.stream)
            if kind != first:
                raise DataError(f"{self.path}: frames change from {first[0]} x {first[1]} {first[2]} to {kind[0]} x {kind[1]} {kind[2]}")  # fmt: skip  # noqa: E501
            pts = frame.pts
            if turned is not None:
                turned.vpush(frame)
                frame = turned.vpull()
            if pts is None or (last is not None and pts <= last):
                pts = 0 if last is None else last + self.step
            frame.pts = last = pts
            yield frame
        if first is None:
            raise DataError(f"{self.path}: no frame in it that can be decoded")

    def _decoded(self) -> Iterator[VideoFrame]:
        import av

        self.broken = 0
        try:
            for packet in self.container.demux(self.stream):
                try:
                    yield from packet.decode()
                except av.InvalidDataError:
                    self.broken += 1
        except av.FFmpegError:  # the file ends in the middle
            self.broken += 1

    @property
    def rate(self) -> Fraction:
        """Frames a second, on average."""
        stream = self.stream
        return stream.average_rate or stream.guessed_rate or stream.base_rate or Fraction(25)

    @property
    def step(self) -> int:
        """A frame's usual duration in units of the time base."""
        return max(1, round(1 / (self.rate * self.time_base)))

    @property
    def time_base(self) -> Fraction:
        return self.stream.time_base or 1 / self.rate

    @property
    def expected(self) -> int:
        """How many frames there will be, about; 0 where the file does not say."""
        if self.stream.frames:
            return self.stream.frames
        if self.stream.duration:
            return round(self.stream.duration * self.time_base * self.rate)
        return round(self.container.duration / 1e6 * self.rate) if self.container.duration else 0

    def form(self, frame: VideoFrame) -> Form:
        """What a result must be like, by the first upright frame."""
        context = self.stream.codec_context
        turned = frame.width != context.width
        aspect = context.sample_aspect_ratio
        return Form(
            codec=context.codec.canonical_name,
            pixels=frame.format.name,
            width=frame.width,
            height=frame.height,
            rate=self.rate,
            bit_rate=context.bit_rate or 0,
            aspect=1 / aspect if aspect and turned else aspect,
            colour=(frame.color_range, frame.colorspace, context.color_primaries, context.color_trc),
        )


def _turner(frame: VideoFrame, stream: VideoStream) -> Any:
    """The filter that sets frames upright, None where they are."""
    degrees = round(frame.rotation) % 360
    if degrees not in UPRIGHT:
        return None
    from av.filter import Graph

    graph = Graph()
    nodes = [graph.add_buffer(template=stream)]
    for name, *arguments in (part.split("=") for part in UPRIGHT[degrees].split(",")):
        nodes.append(graph.add(name, *arguments))
    nodes.append(graph.add("buffersink"))
    graph.link_nodes(*nodes).configure()
    return graph


def _reason(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or error)
