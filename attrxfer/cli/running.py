"""attrxfer run, attrxfer transfer."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from attrxfer.errors import AttrxferError

PARTIAL = 1
"""Exit code when some pictures were broken and skipped."""


@click.command()
@click.argument("recipe", required=False)
@click.option("--data", type=click.Path(path_type=Path), help="Your pictures, in any layout an installed data set understands.")
@click.option("--set", "overrides", multiple=True, metavar="A.B=C", help="Change a setting of the recipe; repeatable.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="The run's folder.  [default: runs/RECIPE]")
@click.option("--resume", type=click.Path(path_type=Path), metavar="FOLDER", help="Go on with an interrupted run.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
def run(
    recipe: str | None,
    data: Path | None,
    overrides: tuple[str, ...],
    out: Path | None,
    resume: Path | None,
    quiet: bool,
) -> None:
    """Train RECIPE (a file, or a name from `attrxfer recipe ls`) and write a report and a bundle."""
    if (recipe is None) == (resume is None):
        raise click.UsageError("give a RECIPE, or --resume FOLDER")
    if resume is not None and (data or overrides or out):
        raise click.UsageError("--resume goes on with the run as it was started: no --data, --set or -o")
    from attrxfer import host, job
    from attrxfer import recipe as recipes
    from attrxfer.data import data_table
    from attrxfer.engine.folder import RunFolder

    loaded = host.load()
    if resume is not None:
        RunFolder(resume).require()
        job.run(recipes.load(resume / "recipe.toml", loaded), resume, loaded, resume=True, quiet=quiet)
        return
    assert recipe is not None
    table = data_table(data, loaded.registry.all("dataset")) if data is not None else None
    checked = recipes.load(recipe, loaded, overrides, table)
    job.run(checked, out or Path("runs") / Path(recipe).stem, loaded, quiet=quiet)


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("pictures", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    default=Path("out"),
    show_default=True,
    help="Folder of the results.",
)
@click.option(
    "--strength",
    type=click.FloatRange(0, 3),
    default=1.0,
    show_default=True,
    help="0: the input, 1: the trained transfer.",
)
@click.option("--backend", default="torch", show_default=True, help="What runs the networks; auto takes the fastest one here.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
def transfer(model: Path, pictures: tuple[Path, ...], out: Path, strength: float, backend: str, quiet: bool) -> None:
    """Transfer PICTURES (files or folders) with MODEL (a bundle, the folder of a finished run, or an exported file).

    Exit code 1 says that some pictures were broken and skipped.
    """
    from rich.console import Console
    from rich.progress import Progress

    from attrxfer import host
    from attrxfer.exported import find
    from attrxfer.folders import Transfers, transfer_files

    registry = host.load().registry
    loaded: Transfers | None = find(model, registry)
    if loaded is not None and backend != "torch":
        raise AttrxferError(f"{model}: an exported file runs on what it was exported to: leave --backend out")
    if loaded is None:
        from attrxfer.transfer import load  # takes seconds: torch, which an exported file does without

        bundled = load(model)
        if backend != "torch":
            bundled.use(backend, registry)
        loaded = bundled
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    with Progress(console=console, disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task("transfer", total=None)
        outcome = transfer_files(
            loaded, pictures, out, strength, lambda done, total: bar.update(task, completed=done, total=total)
        )
    for path, reason in outcome.broken:
        click.echo(f"{path}: skipped: {reason}", err=True)
    if not quiet:
        broken = f", {len(outcome.broken)} broken and skipped" if outcome.broken else ""
        click.echo(f"{outcome.written} written to {out}{broken}")
    if outcome.broken:
        sys.exit(PARTIAL)


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--to", "form", default="onnx", show_default=True, help="An exporter: see `attrxfer components exporter`.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="The file.  [default: beside the bundle]")
@click.option("--check", type=click.Path(path_type=Path), help="Pictures to compare with torch on.  [default: noise]")
def export(model: Path, form: str, out: Path | None, check: Path | None) -> None:
    """Write MODEL (a bundle or finished run) into one file that runs without torch, and compare it with torch."""
    from attrxfer import host
    from attrxfer.export import export as write

    path, report = write(model, form, out, check, host.load().registry)
    click.echo(f"{path}: {report}")
