"""What attrxfer transfer says of the files it was given, photos and videos alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn

    from attrxfer.media.batch import BatchResult, FileResult
    from attrxfer.media.manifest import Manifest


@contextmanager
def bar(quiet: bool, what: str, count: ProgressColumn) -> Iterator[Progress]:
    """A bar on stderr where someone looks: ``what`` as its text, ``count`` beside it."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True, soft_wrap=True, highlight=False)
    columns = (TextColumn(what), BarColumn(), count, TimeRemainingColumn())
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal) as shown:
        yield shown


def tell(entry: FileResult, quiet: bool, manifest: Manifest | None) -> None:
    """Say why a file was not changed or what of it could not be kept, and note what became of it."""
    if entry.reason:
        did = "copied" if entry.outcome == "copied" else "skipped"
        click.echo(f"{entry.source}: {did}: {entry.reason}", err=True)
    elif entry.result.notes and not quiet:
        click.echo(f"{entry.source}: {'; '.join(entry.result.notes)}", err=True)
    if manifest is not None:
        manifest.add(entry)


def counted(outcome: BatchResult, written: str) -> str:
    """``written``, and how many files it does not speak of."""
    counts = {
        "copied as they were": sum(bool(entry.reason) for entry in outcome.those("copied")),
        "skipped": len(outcome.those("left")),
        "broken and skipped": len(outcome.those("broken")),
        "there already": len(outcome.those("there")),
    }
    return ", ".join([written, *(f"{count} {what}" for what, count in counts.items() if count)])
