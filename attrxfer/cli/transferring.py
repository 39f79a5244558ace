"""attrxfer transfer."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from attrxfer.cli.telling import bar, counted, tell
from attrxfer.errors import AttrxferError

if TYPE_CHECKING:
    from attrxfer.media.batch import BatchOptions, BatchResult, FileProcessor, FileResult
    from attrxfer.media.manifest import Manifest
    from attrxfer.media.photos.photo import Transfers
    from attrxfer.media.processors import Framed
    from attrxfer.plugin.registry import Registry

    class Loaded(Framed, Transfers, Protocol):
        """A bundle or an exported file."""


PARTIAL = 1
"""Exit code when some images were broken, or had nothing to change."""
MISSING = "copy"


def faces_given(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """How many of the largest faces; 0 for all."""
    number = {None: "0", "all": "0", "largest": "1", "0": ""}.get(value, str(value))
    if not number.isdecimal():
        raise click.BadParameter(f'"{value}" is neither all, largest nor a number from 1')
    return int(number) if value is not None else None


def shard_given(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, int]:
    """(I, N) of "I/N"."""
    first, _, last = value.partition("/")
    if not (first.isdecimal() and last.isdecimal() and 1 <= int(first) <= int(last)):
        raise click.BadParameter(f'"{value}" is no part: the first of four is 1/4')
    return int(first), int(last)


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--out", type=click.Path(path_type=Path), default=Path("out"), show_default=True, help="Results' folder.")
@click.option("--strength", type=click.FloatRange(0, 3), default=1.0, show_default=True, help="0: the input, 1: as trained.")
@click.option(
    "--faces",
    metavar="all|largest|N",
    callback=faces_given,
    help="Which faces of a photo: N are the N largest.  [default: all]",
)
@click.option("--locator", metavar="NAME", help="What finds the faces.  [default: dlib]")
@click.option("--missing", type=click.Choice(["copy", "skip"]), help=f"Photos without a face.  [default: {MISSING}]")
@click.option("--aligned", is_flag=True, help="Images are crops like those trained on; results have the bundle's size.")
@click.option("--provenance/--no-provenance", default=True, show_default=True, help="Say in the file how it was made.")
@click.option("--skip-existing", is_flag=True, help="Go on: leave out images whose result is there.")
@click.option(
    "--shard", metavar="I/N", default="1/1", callback=shard_given, help="Only the I-th of N parts, for several machines."
)
@click.option("--backend", default="torch", show_default=True, help="What runs the networks; auto takes the fastest here.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
def transfer(
    model: Path,
    images: tuple[Path, ...],
    out: Path,
    strength: float,
    faces: int | None,
    locator: str | None,
    missing: str | None,
    aligned: bool,
    provenance: bool,
    skip_existing: bool,
    shard: tuple[int, int],
    backend: str,
    quiet: bool,
) -> None:
    """Transfer IMAGES (photos, videos, folders of them) with MODEL (a bundle, a finished run's folder, an exported file).

    Every face of a photo is found, transferred and put back; size, format and metadata stay. Exit code 1 says that some
    images were broken and skipped, or had no face.
    """
    if aligned and any(given is not None for given in (faces, locator, missing)):
        raise click.UsageError("--aligned takes crops, in which no faces are looked for: no --faces, --locator or --missing")
    from attrxfer.cli.clips import transfer_videos
    from attrxfer.media.batch import BatchOptions
    from attrxfer.media.manifest import Manifest
    from attrxfer.media.provenance import statement
    from attrxfer.media.video.clips import split
    from attrxfer.plugin import host

    registry = host.load().registry
    loaded = _load(model, backend, registry)
    if not aligned and loaded.metadata.get("alignment") is None:
        raise AttrxferError(
            f"{model}: does not say how its training images were aligned, so it cannot be told where in a photo to cut; for "
            f"images framed as those were, say --aligned (results have {loaded.size} x {loaded.size} pixels)"
        )
    stills, clips = split(images, out)
    if aligned and clips:
        raise AttrxferError(f"{clips[0][0]}: in videos faces must be found, so --aligned is for images only")
    said = statement(loaded.metadata, strength)
    written = said if provenance else None
    work = _crops(loaded, strength, written) if aligned else _photos(loaded, strength, faces, locator, written, registry)
    order = BatchOptions(skip_existing, shard, (missing or MISSING) == "copy")
    manifest = Manifest(out, said, order) if any(source.is_dir() for source in images) else None
    entries: list[FileResult] = []
    try:
        if stills:
            outcome = _transfer(work, stills, out, order, manifest, quiet)
            entries += outcome.entries
            if not quiet:
                click.echo(_summary(outcome, out))
        if clips:
            entries += transfer_videos(work, clips, out, order, manifest, quiet)
    finally:
        if manifest is not None and manifest.images:
            manifest.write()
    if any(entry.reason for entry in entries):
        sys.exit(PARTIAL)


def _load(model: Path, backend: str, registry: Registry) -> Loaded:
    from attrxfer.model.exported import find

    exported = find(model, registry)
    if exported is not None:
        if backend != "torch":
            raise AttrxferError(f"{model}: an exported file runs on what it was exported to: leave --backend out")
        return exported
    from attrxfer.model.torch_model import load_bundle  # takes seconds: torch, which an exported file does without

    bundled = load_bundle(model)
    if backend != "torch":
        bundled.use(backend, registry)
    return bundled


def _crops(loaded: Loaded, strength: float, said: Mapping[str, str] | None) -> FileProcessor:
    from attrxfer.media.processors import Crops

    return Crops(loaded, strength, said)


def _photos(
    loaded: Loaded, strength: float, faces: int | None, locator: str | None, said: Mapping[str, str] | None, registry: Registry
) -> FileProcessor:
    from attrxfer.media.detection import DEFAULT, detector
    from attrxfer.media.photos import Photos
    from attrxfer.media.processors import WholePhotos

    photos = Photos(loaded, detector(locator or DEFAULT, registry))
    return WholePhotos(photos, strength, faces or None, said)


def _transfer(
    work: FileProcessor, sources: Sequence[Path], out: Path, order: BatchOptions, manifest: Manifest | None, quiet: bool
) -> BatchResult:
    """With a line for each file that was not changed, and a bar where someone looks."""
    from rich.progress import MofNCompleteColumn

    from attrxfer.media.batch import transfer_files

    warnings.filterwarnings("ignore", module=r"PIL\.")  # large images, odd EXIF: files are judged by what becomes of them
    with bar(quiet, "transfer", MofNCompleteColumn()) as shown:
        task = shown.add_task("transfer", total=None)

        def done(entry: FileResult, count: int, total: int) -> None:
            shown.update(task, completed=count, total=total)
            tell(entry, quiet, manifest)

        return transfer_files(work, sources, out, order, done)


def _summary(outcome: BatchResult, out: Path) -> str:
    faces = sum(len(entry.result.boxes) for entry in outcome.entries)
    return counted(outcome, f"{outcome.written} written to {out}" + (f" ({faces} face{'s' * (faces != 1)})" if faces else ""))
