"""The videos of attrxfer transfer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.progress import TaskID

    from attrxfer.folders import Entry, Order, Work
    from attrxfer.manifest import Manifest
    from attrxfer.video import Outcome
    from attrxfer.video.clips import Files


def transfer_videos(
    work: Work,
    files: Files,
    out: Path,
    order: Order,
    manifest: Manifest | None,
    line: Callable[[Entry], str],
    quiet: bool,
) -> list[Entry]:
    """As ``work`` does it with photos, with a bar for each where someone looks, a line for each that was not changed, and one
    for all at the end."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from attrxfer.video.clips import transfer_clips
    from attrxfer.works import WholePhotos

    console = Console(stderr=True, soft_wrap=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    entries: list[Entry] = []
    outcomes: list[Outcome] = []
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal) as bar:
        tasks: dict[Path, TaskID] = {}

        def progress(path: Path, steps: int, total: int) -> None:
            if path not in tasks:
                tasks[path] = bar.add_task(path.name)
            bar.update(tasks[path], completed=steps, total=total)

        def done(entry: Entry, outcome: Outcome | None) -> None:
            entries.append(entry)
            if outcome is not None and outcome.changed:
                outcomes.append(outcome)
            if manifest is not None:
                manifest.add(entry)
            if said := line(entry):
                click.echo(said, err=True)

        assert isinstance(work, WholePhotos)
        how: dict[str, Any] = {"count": work.count, "said": work.said, "done": done, "progress": progress}
        try:
            transfer_clips(work.photos, files, out, order, work.strength, **how)
        finally:
            if manifest is not None and manifest.pictures:
                manifest.write()
    if not quiet:
        click.echo(_summary(entries, outcomes, out))
    return entries


def _summary(entries: list[Entry], outcomes: list[Outcome], out: Path) -> str:
    frames, faces = sum(each.frames for each in outcomes), sum(each.subjects for each in outcomes)
    speed = frames / max(sum(each.seconds for each in outcomes), 1e-9)
    made = f"{len(outcomes)} video{'s' * (len(outcomes) != 1)} written to {out}"
    what = f" ({frames} frames, {faces} face{'s' * (faces != 1)} followed, {speed:.3g} frames a second)" if outcomes else ""
    counts = {
        "copied as they were": sum(entry.outcome == "copied" for entry in entries),
        "skipped": sum(entry.outcome == "left" for entry in entries),
        "broken and skipped": sum(entry.outcome == "broken" for entry in entries),
        "there already": sum(entry.outcome == "there" for entry in entries),
    }
    return ", ".join([made + what, *(f"{count} {word}" for word, count in counts.items() if count)])
