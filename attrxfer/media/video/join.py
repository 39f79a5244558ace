"""The result's file: encoded frames at the times of the input's, with all else that the input holds, as it is."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from attrxfer.media.provenance import SOURCE_TYPE
from attrxfer.media.video.clip import Clip
from attrxfer.media.video.encode import Encoding, Packets, add_image
from attrxfer.media.video.watch import ClipAnalysis

if TYPE_CHECKING:
    from av import Packet
    from av.container import OutputContainer
    from av.stream import Stream

SOURCE = "DigitalSourceType"
OURS = frozenset({"encoder", "major_brand", "minor_version", "compatible_brands", "duration"})
"""What a container says of how it was written: the new one says it itself."""


def join(
    clip: Clip,
    out: Path,
    seen: ClipAnalysis,
    how: Encoding,
    numbers: Sequence[NDArray[np.int64]],
    parts: Iterator[Packets],
    said: Mapping[str, str] | None,
) -> list[str]:
    """Write ``out`` from encoded frames and the clip's other streams; returns what could not be kept, in words.

    numbers: of each part, the frames in the order of their packets. said: goes into the
    container's comment, after what the clip's says; see ``photos.provenance``.
    """
    import av

    notes: list[str] = []
    with av.open(out, "w") as container:
        image = add_image(container, seen.form, how)
        image.time_base = clip.time_base
        _describe(image, clip.stream)
        if clip.stream.codec_context.codec_tag == "hvc1" and how.encoder == "libx265":
            image.codec_context.codec_tag = "hvc1"
        streams = _others(clip, container, notes)
        container.metadata.update(_metadata(clip.container.metadata, said))
        container.set_chapters(clip.container.chapters())
        packets = _packets(parts, image, seen.times, decode_times(seen.times, np.concatenate(numbers), clip.step), clip)
        for packet in heapq.merge(packets, _copied(clip, streams), key=_moment):
            container.mux(packet)
    return notes


def decode_times(times: NDArray[np.int64], numbers: NDArray[np.int64], step: int) -> NDArray[np.int64]:
    """When each packet is decoded, (N,): in order, rising, and never after its frame is shown, for frames ``numbers`` (N,)
    shown at ``times[numbers]``, with ``step`` between the times before the first."""
    delay = int((np.arange(len(numbers)) - numbers).max(initial=0))
    before = times[0] - step * np.arange(delay, 0, -1)
    return np.concatenate([before, times])[: len(numbers)]


def _packets(
    parts: Iterator[Packets], stream: Stream, times: NDArray[np.int64], decoded: NDArray[np.int64], clip: Clip
) -> Iterator[Packet[Stream]]:
    import av

    lasts = np.append(np.diff(times), clip.step)
    count = 0
    for part in parts:
        ends = np.cumsum(part.sizes)
        for end, size, number, key in zip(ends, part.sizes, part.numbers, part.keys, strict=True):
            packet = av.Packet(part.data[end - size : end].tobytes())
            packet.stream, packet.time_base = stream, clip.time_base
            packet.pts, packet.dts, packet.duration = int(times[number]), int(decoded[count]), int(lasts[number])
            packet.is_keyframe = bool(key)
            count += 1
            yield packet


def _others(clip: Clip, container: OutputContainer, notes: list[str]) -> Mapping[int, Stream]:
    """Streams of the result for the clip's other ones, by the index of these."""
    made: dict[int, Stream] = {}
    for stream in clip.container.streams:
        if stream.index == clip.stream.index:
            continue
        try:
            copy = container.add_stream_from_template(stream, opaque=True)
        except (ValueError, OSError):
            notes.append(f"{container.format.name} holds no {stream.type} of this kind ({stream.name}): left out")
            continue
        _describe(copy, stream)
        made[stream.index] = copy
    return made


def _copied(clip: Clip, streams: Mapping[int, Stream]) -> Iterator[Packet[Stream]]:
    """The clip's packets of these streams, untouched."""
    chosen = [clip.container.streams[index] for index in streams if clip.container.streams[index].type != "attachment"]
    if not chosen:
        return
    for packet in clip.container.demux(*chosen):
        if packet.dts is None and not packet.size:  # the end of a stream
            continue
        packet.stream = streams[packet.stream_index]
        yield packet


def _moment(packet: Any) -> Fraction:
    """When a packet is due, in seconds."""
    when = packet.dts if packet.dts is not None else packet.pts
    return Fraction(0) if when is None else when * packet.time_base


def _describe(stream: Stream, like: Stream) -> None:
    stream.metadata.update({key: value for key, value in like.metadata.items() if key.lower() not in OURS})
    stream.disposition = like.disposition


def _metadata(own: Mapping[str, str], said: Mapping[str, str] | None) -> dict[str, str]:
    """The clip's metadata; in its comment, which every container has, a line of what is said of the result, in place of an
    earlier result's."""
    kept = {key: value for key, value in own.items() if key.lower() not in OURS}
    if said is not None:
        name = next((key for key in kept if key.lower() == "comment"), "comment")
        lines = [line for line in kept.get(name, "").splitlines() if not line.startswith(f"{SOURCE}=")]
        line = "; ".join(f"{key}={value}" for key, value in {SOURCE: SOURCE_TYPE, **said}.items())
        kept[name] = "\n".join([*lines, line])
    return kept
