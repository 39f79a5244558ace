"""A video through a transfer: seen once to know where its subjects are, and once to change them."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from attrxfer.errors import DataError
from attrxfer.media.photos import Photos
from attrxfer.media.video.change import changed
from attrxfer.media.video.clip import Clip
from attrxfer.media.video.encode import encode, encoding
from attrxfer.media.video.join import join
from attrxfer.media.video.smooth import WIDTH
from attrxfer.media.video.watch import ClipAnalysis, by_frame, subjects, watch
from attrxfer.media.video.work import JobFolder
from attrxfer.storage import files

SEGMENT = 250
"""Frames after which what is finished is kept: what a stopped job loses at most. Each begins with a key frame."""

Progress = Callable[[int, int], Any]
T = TypeVar("T")


@dataclass(frozen=True)
class VideoResult:
    """What became of a video. path: the result. frames: how many it has, and ``changed``, how many of them show a subject.
    subjects: how many were followed, each from where it comes in to where it leaves. seconds: it took. notes: how the result
    differs in form from the input, in words."""

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
    smoothing: float = WIDTH,
    copy: bool = True,
    provenance: Mapping[str, str] | None = None,
    progress: Progress = lambda done, total: None,
) -> VideoResult:
    """Transfer the subjects of a video file and write the file ``out``, of the same kind by its suffix.

    The image is encoded again with the clip's codec, pixels, colours, frames and times; sound, subtitles, chapters and
    metadata are copied. Strength 0 copies the file; with ``copy``, one that nobody is in is copied too. A job that was
    stopped goes on where it was when it is called again.

    largest: only so many subjects of each scene, the largest. smoothing: standard deviation of the window in seconds, 0 for
    none. provenance: goes into the file's comment (see ``provenance.provenance_of``). progress: told steps done and to do, two
    for each frame.

    Raises DataError when the file is no video or cannot be decoded, or ``out`` cannot hold it; AttrxferError when PyAV is
    not installed.
    """
    began = time.monotonic()
    if strength == 0:
        files.copy(path, out)
        return VideoResult(out)
    with Clip(path) as clip:
        expected = clip.expected
        work = JobFolder(out, _job(photos, path, strength, largest, smoothing))
        try:
            seen = watch(
                clip, work.remembered(photos.detect), lambda number: progress(number + 1, 2 * max(expected, number + 1))
            )
        except DataError:
            work.remove()
            raise
        found = subjects(seen, float(clip.time_base), smoothing, largest)
    frames = len(seen.times)
    placed = by_frame(found, frames)
    if not any(placed):
        work.remove()
        if copy:
            files.copy(path, out)
        return VideoResult(out, frames, seconds=time.monotonic() - began)
    draft = work.folder / f"draft{out.suffix}"
    how = encoding(seen.form, draft)
    parts = range(-(-frames // SEGMENT))
    done = next((part for part in parts if not work.has(part)), len(parts))
    with Clip(path) as clip:
        stream = itertools.islice(enumerate(clip.frames()), done * SEGMENT, None)
        for part in parts[done:]:
            own = changed(photos, itertools.islice(stream, SEGMENT), placed, strength)
            told = (_told(frame, progress, frames + number, 2 * frames) for number, frame in enumerate(own, part * SEGMENT + 1))
            work.put(part, encode(told, part * SEGMENT, draft, seen.form, how))
    with Clip(path) as clip:
        notes = join(clip, draft, seen, how, [work.numbers(part) for part in parts], map(work.get, parts), provenance)
    files.sync(draft)
    draft.replace(out)
    files.sync(out.parent)
    work.remove()
    notes = [*how.notes, *notes, *_notes(seen)]
    return VideoResult(out, frames, sum(map(bool, placed)), len(found), time.monotonic() - began, tuple(notes))


def _job(photos: Photos, path: Path, strength: float, largest: int | None, smoothing: float) -> dict[str, Any]:
    """What a result depends on."""
    there = path.stat()
    return {
        "attrxfer": version("attrxfer"),
        "input": [str(path.resolve()), there.st_size, there.st_mtime_ns],
        "model": photos.model.metadata.get("sha256"),
        "detector": type(photos.detector).__qualname__,
        "strength": strength,
        "largest": largest,
        "smoothing": smoothing,
        "segment": SEGMENT,
    }


def _told(value: T, progress: Progress, done: int, total: int) -> T:
    progress(done, total)
    return value


def _notes(seen: ClipAnalysis) -> list[str]:
    notes = []
    if seen.broken:
        notes.append(f"{seen.broken} broken packets left out")
    if seen.interlaced:
        notes.append("its interlaced frames are written as whole ones")
    return notes
