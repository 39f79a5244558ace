"""attrxfer transfer."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from attrxfer.cli import completion
from attrxfer.cli.boundary import goes_on_with
from attrxfer.cli.output import ATTRIBUTE, SET
from attrxfer.cli.verbosity import is_quiet
from attrxfer.errors import printable
from attrxfer.plugin.options import DEVICE, PATH, PLACE

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from attrxfer.media.batch import BatchResult, FileResult
    from attrxfer.media.buckets import Place

PARTIAL = 1
"""Exit code when some files were broken, or had nothing to change."""


def read_subjects(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int | None, tuple[int, ...]] | None:
    """How many of the largest subjects (None: all), and numbers of subjects: (3, ()) of "3", (None, (1, 3)) of "#1,#3"."""
    if value is None or value == "all":
        return None if value is None else (None, ())
    by_number = value.startswith("#")
    numbers = [part.removeprefix("#") for part in value.split(",")] if by_number else ["1" if value == "largest" else value]
    if not all(number.isdecimal() and int(number) for number in numbers):
        raise click.BadParameter(f'"{value}" is neither all, largest, a number from 1 nor a list such as #1,#3')
    return (None, tuple(sorted(set(map(int, numbers))))) if by_number else (int(numbers[0]), ())


def read_shard(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, int]:
    """(I, N) of "I/N"."""
    first, _, last = value.partition("/")
    if not (first.isdecimal() and last.isdecimal() and 1 <= int(first) <= int(last)):
        raise click.BadParameter(f'"{value}" is not I/N with I from 1 to N: the first of four parts is 1/4')
    return int(first), int(last)


def read_strength(ctx: click.Context, param: click.Parameter, value: str) -> tuple[float, float | None]:
    """(strength, None) of "0.8"; (1, part) of "80%"."""
    try:
        number = float(value.removesuffix("%"))
    except ValueError:
        raise click.BadParameter(f'"{value}" is neither a number from 0 to 3 nor a percentage such as 50%') from None
    largest, unit = (100, "%") if value.endswith("%") else (3, "")
    if not 0 <= number <= largest:
        raise click.BadParameter(f"{value} is not from 0 to {largest}{unit}")
    return (1.0, number / 100) if unit else (number, None)


def read_place(ctx: click.Context, param: click.Parameter, value: str) -> Place:
    """A path, or a URL of a bucket."""
    from attrxfer.media.buckets import place

    return place(value)


def read_places(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> tuple[Place, ...]:
    """The same, many times."""
    return tuple(read_place(ctx, param, one) for one in value)


@click.command()
@click.argument("model", type=PATH, metavar="MODEL", shell_complete=completion.models)
@click.argument("files", nargs=-1, type=PLACE, callback=read_places)
@click.option(
    "--files",
    "file_list",
    type=PATH,
    metavar="LIST",
    help="Instead of FILES: a text file that names them, one a line. -: standard input.",
)
@click.option(
    "-o",
    "--out",
    type=PLACE,
    callback=read_place,
    default="out",
    show_default=True,
    metavar="PLACE",
    help="The folder of the results; of one photo or video, also its file. A path or a URL.",
)
@click.option(
    "--strength",
    metavar="NUMBER|PERCENT",
    callback=read_strength,
    default="1",
    show_default=True,
    help="0: the input, 1: as trained. 50%: where half of the images that are changed have the attribute.",
)
@click.option(
    "--subjects",
    metavar="all|largest|N|#I,#J",
    callback=read_subjects,
    help="Which subjects of a photo are changed: N are the N largest; '#2' is the second largest alone.  [default: all]",
)
@click.option("--detector", metavar="LOCATOR", help="What detects them.  [default: the one that a plugin sets]")
@click.option("--missing", type=click.Choice(["copy", "skip"]), help="Files without a subject.  [default: copy]")
@click.option(
    "--keep-identity",
    type=click.FloatRange(0, min_open=True),
    metavar="DISTANCE",
    help="Lower each image's strength until its subject is this near to the input's, by the detector's measure.",
)
@ATTRIBUTE
@click.option("--only-without", is_flag=True, help="Leave alone what seems to have the attribute already (images only).")
@click.option("--aligned", is_flag=True, help="Images are crops like those trained on; results have the model's size.")
@click.option("--provenance/--no-provenance", default=True, show_default=True, help="Write into the file how it was made.")
@click.option("--skip-existing", is_flag=True, help="Leave out files whose result exists.")
@click.option(
    "--shard", metavar="I/N", default="1/1", callback=read_shard, help="Only the I-th of N parts, for several machines."
)
@click.option("--recipe", metavar="RECIPE", help="The task and data that a method learns from (cnia).")
@click.option("--data", type=PATH, help="Your images instead of the recipe's, for a method.")
@SET
@click.option("--backend", default="torch", show_default=True, help="What runs the networks; auto takes the fastest here.")
@DEVICE
@click.option(
    "--engine", metavar="ENGINE", help="What has many files done by many processes or machines: ray.  [default: this process]"
)
def transfer(
    model: Path,
    files: tuple[Place, ...],
    file_list: Path | None,
    out: Place,
    strength: tuple[float, float | None],
    subjects: tuple[int | None, tuple[int, ...]] | None,
    detector: str | None,
    missing: str | None,
    keep_identity: float | None,
    attributes: dict[str, bool] | None,
    only_without: bool,
    aligned: bool,
    provenance: bool,
    skip_existing: bool,
    shard: tuple[int, int],
    recipe: str | None,
    data: Path | None,
    overrides: tuple[str, ...],
    backend: str,
    device: str,
    engine: str | None,
) -> None:
    """Transfer photos and videos.

    FILES are photos, videos and folders of them, here or in buckets (s3://bucket/photos). MODEL is a bundle, a finished run,
    an exported file, a method or a shipped model by name. Every subject in a photo or video is detected, transferred and put
    back; size, format and metadata stay.
    The exit code is 1 where some files were broken and skipped, or had no subject.
    """
    goes_on_with("--skip-existing")
    if aligned and any(given is not None for given in (subjects, detector, missing)):
        raise click.UsageError("--aligned takes crops, in which nothing is detected: no --subjects, --detector or --missing")
    if recipe is not None and attributes is not None:
        raise click.UsageError("--attribute is for a bundle for many attributes, --recipe for a method: give one of them")
    if recipe is None and (data is not None or overrides):
        raise click.UsageError(
            "--data and --set belong to the recipe that a method learns from (--recipe); a trained model takes none of these"
        )
    if bool(files) == (file_list is not None):
        raise click.UsageError("name files and folders, or a list of them with --files" + " (not both)" * bool(files))
    from attrxfer.media.batch import BatchOptions
    from attrxfer.media.file_list import read_list
    from attrxfer.plugin import host
    from attrxfer.workflows import transfer as workflow

    batch = BatchOptions(skip_existing, shard, copy_skipped=missing != "skip")
    task = workflow.TaskOptions(recipe, data, overrides) if recipe is not None else None
    options = workflow.TransferOptions(
        *strength,
        largest=subjects[0] if subjects else None,
        numbers=subjects[1] if subjects else (),
        detector=detector,
        aligned=aligned,
        provenance=provenance,
        keep_identity=keep_identity,
        attributes=attributes,
        only_without=only_without,
        backend=backend,
        device=device,
        task=task,
        engine=engine,
        batch=batch,
    )
    sources = read_list(file_list) if file_list is not None else files
    warnings.filterwarnings("ignore", module=r"PIL\.")  # large images, odd EXIF: each file's result says what became of it
    quiet = is_quiet()
    with progress_bar(quiet) as bar:
        reporter = Reporter(bar, quiet)
        result = workflow.transfer(
            model,
            sources,
            out,
            host.load(),
            options,
            listed=file_list is not None,
            on_result=reporter.result,
            on_steps=reporter.steps,
        )
    if not quiet:
        for line in (*summary(result.batch, out, result.subject), *result.notes):
            click.echo(printable(line))
    if result.incomplete or any(file.reason for file in result.batch.files):
        sys.exit(PARTIAL)


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Progress]:
    """Bars on stderr, where they can be drawn."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from attrxfer.training.logging import draws_bars

    console = Console(stderr=True, soft_wrap=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=quiet or not draws_bars(console)) as bar:
        yield bar


class Reporter:
    """Prints a line for each file that was not changed, or that differs in form, and moves the bars; where there are none, a
    line each minute."""

    def __init__(self, bar: Progress, quiet: bool) -> None:
        from attrxfer.training.logging import EachMinute

        self.bar = bar
        self.quiet = quiet
        self.all = bar.add_task("transfer", total=None)
        self.videos: dict[Path, TaskID] = {}
        self.minute = None if quiet or not bar.disable else EachMinute()

    def result(self, file: FileResult, done: int, total: int) -> None:
        """After each file."""
        self.bar.update(self.all, completed=done, total=total, description=f"{done}/{total} files")
        if self.minute is not None and self.minute.passed():
            click.echo(f"{done} of {total} files", err=True)
        if file.reason:
            did = "copied" if file.outcome == "copied" else "skipped"
            click.echo(f"{printable(str(file.source))}: {did}: {printable(file.reason)}", err=True)
        elif file.written.notes and not self.quiet:
            click.echo(f"{printable(str(file.source))}: {printable('; '.join(file.written.notes))}", err=True)

    def steps(self, path: Path, done: int, total: int) -> None:
        """While a video is transferred."""
        from rich.markup import escape

        if path not in self.videos:
            self.videos[path] = self.bar.add_task(escape(printable(path.name)))
        self.bar.update(self.videos[path], completed=done, total=total)
        if self.minute is not None and self.minute.passed():
            click.echo(f"{printable(path.name)}: frame {done} of {total}", err=True)


def summary(batch: BatchResult, out: Place, subject: str) -> Iterator[str]:
    """One line for the images, one for the videos."""
    from attrxfer.media.batch import BatchResult
    from attrxfer.media.detection import count
    from attrxfer.media.video.reader import is_video

    images = BatchResult([file for file in batch.files if not is_video(file.name)])
    videos = BatchResult([file for file in batch.files if is_video(file.name)])
    if images.files or not videos.files:
        subjects = sum(file.written.subjects for file in images.files)
        yield _counted(images, f"{images.written} written to {out}" + (f" ({count(subjects, subject)})" if subjects else ""))
    if videos.files:
        changed = [file.written for file in videos.of("changed")]
        frames, subjects = (sum(each.frames for each in changed), sum(each.subjects for each in changed))
        speed = frames / max(sum(each.seconds for each in changed), 1e-9)
        what = f" ({frames} frames, {count(subjects, subject)} followed, {speed:.3g} frames a second)" if changed else ""
        yield _counted(videos, f"{videos.written} video{'s' * (videos.written != 1)} written to {out}{what}")


def _counted(batch: BatchResult, written: str) -> str:
    """What was written, and how many files were not."""
    counts = {
        "copied as they were": sum(bool(file.reason) for file in batch.of("copied")),
        "skipped": len(batch.of("left")),
        "broken and skipped": len(batch.of("broken")),
        "there already": len(batch.of("there")),
    }
    return ", ".join([written, *(f"{number} {what}" for what, number in counts.items() if number)])
