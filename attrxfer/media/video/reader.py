"""A video file read: its format, and its frames, upright, in their order."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrxfer.errors import AttrxferError, DataError
from attrxfer.plugin.distribution import install

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

MPEG = frozenset({".3g2", ".3gp", ".f4v", ".m2t", ".m2ts", ".m4v", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ts", ".vob"})
SUFFIXES = MPEG | {".asf", ".avi", ".flv", ".mkv", ".mxf", ".ogv", ".webm", ".wmv"}
CONTAINERS = (
    *("asf", "av1", "avi", "dv", "flv", "gif", "h264", "hevc", "ivf", "live_flv", "m4v", "matroska", "mjpeg", "mov", "mpeg"),
    *("mpegts", "mpegtsraw", "mpegvideo", "mxf", "nsv", "nut", "obu", "ogg", "rm", "swf", "vc1", "wtv", "yuv4mpegpipe"),
)
"""FFmpeg's names of what is read, whatever a file is called. Playlists are not: they would have other files read."""
INSTALL = install("video")
UPRIGHT_FILTERS: Mapping[tuple[int, ...], str] = {
    (0, 1, -1, 0): "transpose=clock",
    (-1, 0, 0, -1): "hflip,vflip",
    (0, -1, 1, 0): "transpose=cclock",
    (-1, 0, 0, 1): "hflip",
    (1, 0, 0, -1): "vflip",
    (0, 1, 1, 0): "transpose=cclock_flip",
    (0, -1, -1, 0): "transpose=clock_flip",
}
"""FFmpeg's filters that set a frame upright, by the signs of a, b, c and d in its display matrix: a stored pixel (x, y) is
shown at (ax + cy, bx + dy). The last four mirror: their determinant is negative."""


def is_video(path: Path) -> bool:
    """Whether a file is a video, by its suffix. Hidden files are none."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def require_pyav() -> None:
    """Check that PyAV is installed.

    Raises:
        AttrxferError: It is not.
    """
    if find_spec("av") is None:
        raise AttrxferError(f"videos need PyAV: {INSTALL}")


@dataclass(frozen=True)
class StreamFormat:
    """What the frames of a video have in common.

    Attributes:
        codec: FFmpeg's name of the codec.
        pixel_format: FFmpeg's name of the pixel format.
        width: Of an upright frame, in pixels.
        height: Of an upright frame, in pixels.
        frame_rate: Frames a second, on average.
        bit_rate: Of the video stream, in bits a second; 0 where the file does not say.
        sample_aspect_ratio: Width of a pixel over its height; None where the file does not say.
        colour: Range, matrix, primaries and transfer function, by FFmpeg's numbers.
    """

    codec: str
    pixel_format: str
    width: int
    height: int
    frame_rate: Fraction
    bit_rate: int
    sample_aspect_ratio: Fraction | None
    colour: tuple[int, int, int, int]


class VideoReader:
    """An opened video file; a context manager.

    Attributes:
        path: The file.
        broken_packets: Packets that could not be decoded so far.
        container: PyAV's container.
        stream: The video stream that is transferred.
    """

    def __init__(self, path: Path) -> None:
        """Open a file.

        Raises:
            DataError: It is no video, has no video stream, or has one with transparency that cannot be kept.
            AttrxferError: PyAV is not installed.
        """
        require_pyav()
        import av

        self.path = path
        self.broken_packets = 0
        try:
            self.container: InputContainer = av.open(
                path.absolute(),  # "12:30.mp4" would be a protocol
                container_options={"format_whitelist": ",".join(CONTAINERS), "protocol_whitelist": "file"},
            )
        except (av.FFmpegError, ValueError) as error:
            if isinstance(error, FileNotFoundError):
                raise DataError(f"{path}: no such file or folder") from None
            raise DataError(f"{path}: not a video ({_reason(error)})") from None
        try:
            self.stream = self._choose_stream()
        except BaseException:
            self.container.close()
            raise

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(self, *error: object) -> None:
        self.container.close()

    def _choose_stream(self) -> VideoStream:
        """The first video stream that is no cover image."""
        from av.stream import Disposition

        for stream in self.container.streams.video:
            if stream.disposition & Disposition.attached_pic:
                continue
            if stream.metadata.get("alpha_mode") == "1":
                raise DataError(
                    f"{self.path}: has transparency, which {stream.codec_context.name} does not decode: "
                    f"convert it into a .mov of PNG or ProRes 4444 first"
                )
            stream.thread_type = "AUTO"
            return stream
        others = sorted({stream.type for stream in self.container.streams})
        raise DataError(f"{self.path}: no image in it, only {', '.join(others) or 'nothing'}")

    def frames(self) -> Iterator[VideoFrame]:
        """Decode the frames. Packets that are broken are left out and counted.

        Yields:
            Upright frames, each with its ``pts`` in the stream's time base, in rising order: a frame without a later time than
            the last one gets the last one's plus a usual frame duration.

        Raises:
            DataError: No frame can be decoded, or frames change their size.
        """
        first: tuple[int, int, str] | None = None
        last: int | None = None
        rotation: Any = None
        for frame in self._decode():
            size = (frame.width, frame.height, frame.format.name)
            if first is None:
                first, rotation = size, _rotation_filter(frame, self.stream)
            if size != first:
                raise DataError(
                    f"{self.path}: frames change from {first[0]} x {first[1]} {first[2]} to {size[0]} x {size[1]} {size[2]}"
                )
            pts = frame.pts
            if rotation is not None:
                rotation.vpush(frame)
                frame = rotation.vpull()
            if pts is None or (last is not None and pts <= last):
                pts = 0 if last is None else last + self.frame_duration
            frame.pts = last = pts
            yield frame
        if first is None:
            raise DataError(f"{self.path}: no frame in it that can be decoded")

    def _decode(self) -> Iterator[VideoFrame]:
        import av

        self.broken_packets = 0
        try:
            for packet in self.container.demux(self.stream):
                try:
                    yield from packet.decode()
                except av.InvalidDataError:
                    self.broken_packets += 1
        except av.FFmpegError:  # the file ends in the middle
            self.broken_packets += 1

    @property
    def frame_rate(self) -> Fraction:
        """Frames a second, on average."""
        stream = self.stream
        return stream.average_rate or stream.guessed_rate or stream.base_rate or Fraction(25)

    @property
    def frame_duration(self) -> int:
        """A frame's usual duration in units of the time base."""
        return max(1, round(1 / (self.frame_rate * self.time_base)))

    @property
    def time_base(self) -> Fraction:
        """Unit of the frames' times, in seconds."""
        return self.stream.time_base or 1 / self.frame_rate

    @property
    def expected_frames(self) -> int:
        """About how many frames there are; 0 where the file does not say."""
        if self.stream.frames:
            return self.stream.frames
        if self.stream.duration:
            return round(self.stream.duration * self.time_base * self.frame_rate)
        return round(self.container.duration / 1e6 * self.frame_rate) if self.container.duration else 0

    def stream_format(self, frame: VideoFrame) -> StreamFormat:
        """The format that a result must have, by an upright frame."""
        context = self.stream.codec_context
        on_its_side = frame.width != context.width
        aspect = context.sample_aspect_ratio
        return StreamFormat(
            codec=context.codec.canonical_name,
            pixel_format=frame.format.name,
            width=frame.width,
            height=frame.height,
            frame_rate=self.frame_rate,
            bit_rate=context.bit_rate or 0,
            sample_aspect_ratio=1 / aspect if aspect and on_its_side else aspect,
            colour=(frame.color_range, frame.colorspace, context.color_primaries, context.color_trc),
        )


def _rotation_filter(frame: VideoFrame, stream: VideoStream) -> Any:
    """The filter graph that sets frames upright; None where they are."""
    filters = UPRIGHT_FILTERS.get(_display_signs(frame))
    if filters is None:
        return None
    from av.filter import Graph

    graph = Graph()
    nodes = [graph.add_buffer(template=stream)]
    for name, *arguments in (part.split("=") for part in filters.split(",")):
        nodes.append(graph.add(name, *arguments))
    nodes.append(graph.add("buffersink"))
    graph.link_nodes(*nodes).configure()
    return graph


def _display_signs(frame: VideoFrame) -> tuple[int, ...]:
    """Signs of a, b, c and d in a frame's display matrix; of numbers that are small beside the others 0."""
    from av.sidedata.sidedata import Type

    side_data: Any = frame.side_data  # PyAV's own types do not know its keys
    side = side_data.get(Type.DISPLAYMATRIX)
    if side is None:
        return ()
    values = [struct.unpack("=9i", bytes(side))[place] for place in (0, 1, 3, 4)]
    return tuple((abs(value) > max(map(abs, values)) / 2) * (1 if value > 0 else -1) for value in values)


def _reason(error: BaseException) -> str:
    import av

    return str((error.strerror if isinstance(error, av.FFmpegError) else None) or error)
