"""A video through a transfer in two passes: the first tracks its subjects, the second changes them."""

from __future__ import annotations

import hashlib
import itertools
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrxfer.media.photos import Photos
from attrxfer.media.video.analysis import VideoAnalysis, analyze, smoothed_subjects, subjects_by_frame
from attrxfer.media.video.encoding import choose_encoding, encode
from attrxfer.media.video.frames import WeightedPoints, transfer_frames
from attrxfer.media.video.job_folder import JobFolder
from attrxfer.media.video.muxing import copied_streams, mux
from attrxfer.media.video.reader import VideoReader
from attrxfer.media.video.smoothing import SMOOTHING
from attrxfer.plugin import distribution
from attrxfer.storage import files
from attrxfer.storage.drafts import hidden_name

if TYPE_CHECKING:
    from av import VideoFrame

SEGMENT = 250
"""Frames after which finished ones are stored: a stopped job loses no more. Each segment begins with a key frame."""

Progress = Callable[[int, int], object]
"""Receives how many steps are done, and how many there are: two for each frame."""


@dataclass(frozen=True)
class VideoResult:
    """What became of a video.

    Attributes:
        path: The result.
        frames: How many frames it has.
        changed: How many of them show a subject.
        subjects: How many subjects were tracked, each from where it comes in to where it leaves.
        seconds: Time that the transfer took.
        notes: How the result differs in form from the input, in words.
    """

    path: Path
    frames: int = 0
    changed: int = 0
    subjects: int = 0
    seconds: float = 0.0
    notes: tuple[str, ...] = ()


def transfer_video(
    photos: Photos,
    path: Path,
    out: Path,
    strength: float = 1.0,
    *,
    largest: int | None = None,
    smoothing: float = SMOOTHING,
    copy: bool = True,
    provenance: Mapping[str, str] | None = None,
    progress: Progress = lambda done, total: None,
) -> VideoResult:
    """Transfer the subjects of a video.

    Frames are encoded again with the input's codec, pixel format, colours and times; sound, subtitles, chapters and metadata
    are copied. A job that was stopped goes on where it was when it is called again.

    Args:
        photos: The model and the detector.
        path: The video.
        out: The result, of the same container by its suffix.
        strength: Strength of the transfer; 0 copies the file.
        largest: Only so many subjects of each scene are changed, the largest; None: all.
        smoothing: Standard deviation of the window in seconds that points are smoothed in; 0: none.
        copy: Whether a video without subjects is copied.
        provenance: What is written into the file's comment, see ``provenance.provenance_of``; None: nothing.
        progress: Called after each step.

    Raises:
        DataError: The file is no video, cannot be decoded, or ``out`` cannot hold it.
        AttrxferError: PyAV is not installed.
    """
    began = time.monotonic()
    if strength == 0:
        files.copy(path, out)
        return VideoResult(out)
    with ExitStack() as stack:
        with VideoReader(path) as reader:
            job = stack.enter_context(JobFolder(out, _job(photos, path, strength, largest, smoothing)))
            analysis = analyze(reader, job.cached(photos.detect), _on_frame(progress, reader.expected_frames))
            subjects = smoothed_subjects(analysis, float(reader.time_base), smoothing, largest)
        frames = len(analysis.times)
        in_frames = subjects_by_frame(subjects, frames)
        if any(in_frames):
            draft = job.folder / f"draft{out.suffix}"
            made = _write_draft(photos, path, draft, job, analysis, in_frames, strength, provenance, progress)
            notes = [*made, *_notes(analysis)]
            files.sync(draft)
            # moved out of the folder, which is deleted before the result is there: then nothing can be left of it
            done = draft.replace(out.parent / hidden_name(out, f"done{out.suffix}"))
    if not any(in_frames):
        if copy:
            files.copy(path, out)
        return VideoResult(out, frames, seconds=time.monotonic() - began)
    done.replace(out)
    files.sync(out.parent)
    return VideoResult(out, frames, sum(map(bool, in_frames)), len(subjects), time.monotonic() - began, tuple(notes))


def _job(photos: Photos, path: Path, strength: float, largest: int | None, smoothing: float) -> dict[str, Any]:
    """All that a result depends on."""
    file, model = path.stat(), photos.model
    made_by = json.dumps([model.name, dict(model.guided), dict(model.metadata)], sort_keys=True, default=str)
    return {
        "attrxfer": version(distribution.name()),
        "input": [str(path.resolve()), file.st_size, file.st_mtime_ns],
        "model": hashlib.sha256(made_by.encode()).hexdigest(),
        "detector": type(photos.detector).__qualname__,
        "strength": strength,
        "largest": largest,
        "smoothing": smoothing,
        "segment": SEGMENT,
    }


def _on_frame(progress: Progress, expected: int) -> Callable[[int], object]:
    """Report each frame of the first pass as a step, of about twice as many steps as frames are expected."""
    return lambda number: progress(number + 1, 2 * max(expected, number + 1))


def _write_draft(
    photos: Photos,
    path: Path,
    draft: Path,
    job: JobFolder,
    analysis: VideoAnalysis,
    in_frames: Sequence[WeightedPoints],
    strength: float,
    provenance: Mapping[str, str] | None,
    progress: Progress,
) -> list[str]:
    """The second pass: transfer and encode the segments that are not finished, then write the file; notes in words."""
    frames = len(analysis.times)
    encoding = choose_encoding(analysis.stream_format, draft)
    segments = range(-(-frames // SEGMENT))
    done = next((segment for segment in segments if not job.has_segment(segment)), len(segments))
    with VideoReader(path) as reader:
        others, notes = copied_streams(reader, draft, analysis.stream_format, encoding)
        decoded = itertools.islice(enumerate(reader.frames()), done * SEGMENT, None)
        for segment in segments[done:]:
            first = segment * SEGMENT
            changed = transfer_frames(photos, itertools.islice(decoded, SEGMENT), in_frames, strength)
            counted = _count(changed, progress, frames + first, 2 * frames)
            job.write_segment(segment, encode(counted, first, draft, analysis.stream_format, encoding))
    with VideoReader(path) as reader:
        numbers = [job.read_frame_numbers(segment) for segment in segments]
        mux(reader, draft, analysis, encoding, others, numbers, map(job.read_segment, segments), provenance)
    return [*encoding.notes, *notes]


def _count(frames: Iterable[VideoFrame], progress: Progress, done: int, total: int) -> Iterator[VideoFrame]:
    """Hand frames on and report each as a step."""
    for number, frame in enumerate(frames, done + 1):
        progress(number, total)
        yield frame


def _notes(analysis: VideoAnalysis) -> list[str]:
    notes = []
    if analysis.broken_packets:
        notes.append(f"{analysis.broken_packets} broken packets left out")
    if analysis.interlaced:
        notes.append("its interlaced frames are written as whole ones")
    return notes
