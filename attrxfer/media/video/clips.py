"""Video files among what is given, one after the other through a transfer."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrxfer.errors import DataError
from attrxfer.media.batch import BatchOptions, FileResult, Result, is_result, refuse_collisions
from attrxfer.media.images import is_image
from attrxfer.media.photos import Photos
from attrxfer.media.video.clip import is_video, require
from attrxfer.media.video.transfer import VideoResult, transfer_video

Files = list[tuple[Path, Path]]


def split(sources: Sequence[Path], out: Path) -> tuple[list[Path], Files]:
    """What of the given files and folders is not video: folders with images too, and what does not exist. And the video
    files, with their names below what was given. Results of an earlier transfer in ``out`` are none of them."""
    others: list[Path] = []
    clips: Files = []
    for source in sources:
        if source.is_dir():
            files = [file for file in sorted(source.rglob("*")) if file.is_file() and not is_result(file, sources, out)]
            own = [(file, file.relative_to(source)) for file in files if is_video(file)]
            clips += own
            if not own or any(map(is_image, files)):
                others.append(source)
        elif is_video(source) and source.is_file():
            clips.append((source, Path(source.name)))
        else:
            others.append(source)
    return others, clips


def transfer_clips(
    photos: Photos,
    files: Files,
    out: Path,
    order: BatchOptions,
    strength: float = 1.0,
    *,
    count: int | None = None,
    said: Mapping[str, str] | None = None,
    done: Callable[[FileResult, VideoResult | None], Any] = lambda entry, outcome: None,
    progress: Callable[[Path, int, int], Any] = lambda path, steps, total: None,
) -> None:
    """Transfer video files into ``out``; ``done`` is told what became of each, ``progress`` how far each is.

    Those that are broken are skipped, those that nobody is in are copied, or left out, as ``order`` says. Raises
    AttrxferError when PyAV is not installed or a result would overwrite an input or another result.
    """
    require()
    refuse_collisions(files, out)
    part, parts = order.shard
    for path, name in files[part - 1 :: parts]:
        target = out / name
        if order.skip_existing and target.exists():
            done(FileResult(path, name, "there"), None)
            continue
        try:
            outcome = transfer_video(
                photos,
                path,
                target,
                strength,
                count=count,
                said=said,
                copy=order.copy_left,
                progress=functools.partial(progress, path),
            )
        except DataError as error:
            done(FileResult(path, name, "broken", str(error).removeprefix(f"{path}: ")), None)
            continue
        done(_entry(path, name, outcome, order), outcome)


def _entry(path: Path, name: Path, outcome: VideoResult, order: BatchOptions) -> FileResult:
    if outcome.changed:
        return FileResult(path, name, "changed", result=Result((), outcome.notes))
    if not outcome.frames:  # strength 0
        return FileResult(path, name, "copied")
    return FileResult(path, name, "copied" if order.copy_left else "left", "no face found")
