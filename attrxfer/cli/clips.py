"""The videos of attrxfer transfer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from attrxfer.cli.telling import bar, counted, tell

if TYPE_CHECKING:
    from rich.progress import TaskID

    from attrxfer.media.batch import BatchOptions, FileProcessor, FileResult
    from attrxfer.media.manifest import Manifest
    from attrxfer.media.video import VideoResult
    from attrxfer.media.video.clips import Files


def transfer_videos(
    work: FileProcessor, files: Files, out: Path, order: BatchOptions, manifest: Manifest | None, quiet: bool
) -> list[FileResult]:
    """As ``work`` does it with photos, with a bar for each where someone looks, a line for each that was not changed, and one
    for all at the end."""
    from rich.progress import TaskProgressColumn

    from attrxfer.media.processors import WholePhotos
    from attrxfer.media.video.clips import transfer_clips

    entries: list[FileResult] = []
    outcomes: list[VideoResult] = []
    with bar(quiet, "{task.description}", TaskProgressColumn()) as shown:
        tasks: dict[Path, TaskID] = {}

        def progress(path: Path, steps: int, total: int) -> None:
            if path not in tasks:
                tasks[path] = shown.add_task(path.name)
            shown.update(tasks[path], completed=steps, total=total)

        def done(entry: FileResult, outcome: VideoResult | None) -> None:
            entries.append(entry)
            if outcome is not None and outcome.changed:
                outcomes.append(outcome)
            tell(entry, quiet, manifest)

        assert isinstance(work, WholePhotos)
        how: dict[str, Any] = {"count": work.count, "said": work.said, "done": done, "progress": progress}
        transfer_clips(work.photos, files, out, order, work.strength, **how)
    if not quiet:
        click.echo(_summary(entries, outcomes, out))
    return entries


def _summary(entries: list[FileResult], changed: list[VideoResult], out: Path) -> str:

    from attrxfer.media.batch import BatchResult

    outcome = BatchResult(entries)
    frames, faces = sum(each.frames for each in changed), sum(each.subjects for each in changed)
    speed = frames / max(sum(each.seconds for each in changed), 1e-9)
    made = f"{outcome.written} video{'s' * (outcome.written != 1)} written to {out}"
    what = f" ({frames} frames, {faces} face{'s' * (faces != 1)} followed, {speed:.3g} frames a second)" if changed else ""
    return counted(outcome, made + what)
