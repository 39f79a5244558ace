"""The result's file: encoded frames at the times of the input's, with all other streams of the input as they are."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from attrxfer.errors import DataError
from attrxfer.media.provenance import SOURCE_TYPE
from attrxfer.media.video.analysis import VideoAnalysis
from attrxfer.media.video.encoding import Encoding, Packets, add_video_stream
from attrxfer.media.video.reader import StreamFormat, VideoReader

if TYPE_CHECKING:
    from av import Packet
    from av.container import OutputContainer
    from av.stream import Stream

SOURCE_KEY = "DigitalSourceType"
OF_THE_CONTAINER = frozenset({"encoder", "major_brand", "minor_version", "compatible_brands", "duration"})
"""Metadata on how a container was written: the new one has its own."""


def copied_streams(
    reader: VideoReader, out: Path, stream_format: StreamFormat, encoding: Encoding
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Find out which of the input's other streams a result can hold, by writing the beginning of a file.

    A timecode track is left out: MOV's and MP4's writers make one of the video stream's metadata.

    Args:
        reader: The input.
        out: A file of the result's container; it is written.
        stream_format: What the frames have in common.
        encoding: How they are encoded.

    Returns:
        The streams' indices; what cannot be kept, in words.

    Raises:
        DataError: The container cannot even hold the frames.
    """
    wanted = [stream for stream in reader.container.streams if stream.index != reader.stream.index]
    wanted = [stream for stream in wanted if stream.type != "data" or "timecode" not in stream.metadata]
    refused = _refusal(reader, out, stream_format, encoding, wanted)
    if refused is None:
        return tuple(stream.index for stream in wanted), ()
    kept: list[Stream] = []
    notes = []
    for stream in wanted:
        if _refusal(reader, out, stream_format, encoding, [*kept, stream]) is None:
            kept.append(stream)
        else:
            notes.append(f"{out.suffix[1:]} holds no {stream.type} of this kind ({stream.name or 'unknown'}): left out")
    if not kept and (refused := _refusal(reader, out, stream_format, encoding, [])) is not None:
        raise DataError(f"{reader.path}: cannot be written as {out.suffix[1:]}: {refused}")
    return tuple(stream.index for stream in kept), tuple(notes)


def _refusal(
    reader: VideoReader, out: Path, stream_format: StreamFormat, encoding: Encoding, others: Sequence[Stream]
) -> str | None:
    """Why a container does not take the frames with these streams; None: it does."""
    import av

    try:
        with av.open(out.absolute(), "w") as container:
            video = add_video_stream(container, stream_format, encoding)
            video.time_base = reader.time_base
            for stream in others:
                container.add_stream_from_template(stream, opaque=True)
            container.start_encoding()
    except (ValueError, OSError, av.FFmpegError) as error:
        return str(error)
    return None


def mux(
    reader: VideoReader,
    out: Path,
    analysis: VideoAnalysis,
    encoding: Encoding,
    others: Sequence[int],
    numbers: Sequence[NDArray[np.int64]],
    segments: Iterator[Packets],
    provenance: Mapping[str, str] | None,
) -> None:
    """Write a file from encoded frames and the input's other streams.

    Args:
        reader: The input.
        out: The file.
        analysis: The first pass over the input.
        encoding: How the frames were encoded.
        others: Indices of the input's other streams that are copied, see ``copied_streams``.
        numbers: Of each segment, the numbers of its frames in the order of their packets.
        segments: The encoded frames.
        provenance: What is added to the container's comment; None: nothing.
    """
    import av

    with av.open(out.absolute(), "w") as container:
        video = add_video_stream(container, analysis.stream_format, encoding)
        video.time_base = reader.time_base
        _copy_description(video, reader.stream)
        if reader.stream.codec_context.codec_tag == "hvc1" and encoding.encoder == "libx265":
            video.codec_context.codec_tag = "hvc1"
        streams = _add_other_streams(reader, container, others)
        container.metadata.update(_metadata(reader.container.metadata, provenance))
        container.set_chapters(reader.container.chapters())
        decoded = decode_times(analysis.times, np.concatenate(numbers), reader.frame_duration)
        packets = _video_packets(segments, video, analysis.times, decoded, reader)
        for packet in heapq.merge(packets, _other_packets(reader, streams), key=_due):
            container.mux(packet)


def decode_times(times: NDArray[np.int64], numbers: NDArray[np.int64], duration: int) -> NDArray[np.int64]:
    """Decoding times (DTS) of packets: rising, and never after their frames are shown.

    Args:
        times: (N,): when each frame is shown.
        numbers: (N,): number of each packet's frame.
        duration: A frame's usual duration, between the times before the first frame is shown.

    Returns:
        (N,), in the unit of ``times``.
    """
    delay = int((np.arange(len(numbers)) - numbers).max(initial=0))
    before = times[0] - duration * np.arange(delay, 0, -1)
    return np.concatenate([before, times])[: len(numbers)]


def _video_packets(
    segments: Iterator[Packets], stream: Stream, times: NDArray[np.int64], decoded: NDArray[np.int64], reader: VideoReader
) -> Iterator[Packet[Stream]]:
    import av

    durations = np.append(np.diff(times), reader.frame_duration)
    count = 0
    for segment in segments:
        ends = np.cumsum(segment.sizes)
        for end, size, number, key in zip(ends, segment.sizes, segment.numbers, segment.keys, strict=True):
            packet = av.Packet(segment.data[end - size : end].tobytes())
            packet.stream, packet.time_base = stream, reader.time_base
            packet.pts, packet.dts, packet.duration = int(times[number]), int(decoded[count]), int(durations[number])
            packet.is_keyframe = bool(key)
            count += 1
            yield packet


def _add_other_streams(reader: VideoReader, container: OutputContainer, indices: Sequence[int]) -> Mapping[int, Stream]:
    """Add streams like these of the input; by the index there."""
    added: dict[int, Stream] = {}
    for stream in (reader.container.streams[index] for index in indices):
        copy = container.add_stream_from_template(stream, opaque=True)
        _copy_description(copy, stream)
        added[stream.index] = copy
    return added


def _other_packets(reader: VideoReader, streams: Mapping[int, Stream]) -> Iterator[Packet[Stream]]:
    """The input's packets of these streams, unchanged."""
    chosen = [reader.container.streams[index] for index in streams]
    chosen = [stream for stream in chosen if stream.type != "attachment"]
    if not chosen:
        return
    for packet in reader.container.demux(*chosen):
        if packet.dts is None and not packet.size:  # the end of a stream
            continue
        packet.stream = streams[packet.stream_index]
        yield packet


def _due(packet: Any) -> Fraction:
    """When a packet is decoded, in seconds."""
    when = packet.dts if packet.dts is not None else packet.pts
    return Fraction(0) if when is None else when * packet.time_base


def _copy_description(stream: Stream, like: Stream) -> None:
    """Copy a stream's metadata (language, title) and disposition."""
    stream.metadata.update({key: value for key, value in like.metadata.items() if key.lower() not in OF_THE_CONTAINER})
    stream.disposition = like.disposition


def _metadata(own: Mapping[str, str], provenance: Mapping[str, str] | None) -> dict[str, str]:
    """The input's metadata, with a line of provenance in the comment, which every container has. It replaces an earlier one."""
    kept = {key: value for key, value in own.items() if key.lower() not in OF_THE_CONTAINER}
    if provenance is not None:
        name = next((key for key in kept if key.lower() == "comment"), "comment")
        lines = [line for line in kept.get(name, "").splitlines() if not line.startswith(f"{SOURCE_KEY}=")]
        line = "; ".join(f"{key}={value}" for key, value in {SOURCE_KEY: SOURCE_TYPE, **provenance}.items())
        kept[name] = "\n".join([*lines, line])
    return kept
