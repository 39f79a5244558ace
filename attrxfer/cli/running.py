"""attrxfer run, attrxfer transfer."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

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

    loaded = host.load()
    if resume is not None:
        if not (resume / "recipe.toml").is_file():
            raise AttrxferError(f"{resume}: no recipe.toml here, so this is not a run")
        job.run(recipes.load(resume / "recipe.toml", loaded), resume, loaded, resume=True, quiet=quiet)
        return
    assert recipe is not None
    table = _data_table(data, loaded) if data is not None else None
    checked = recipes.load(recipe, loaded, overrides, table)
    job.run(checked, out or Path("runs") / Path(recipe).stem, loaded, quiet=quiet)


def _data_table(path: Path, loaded: Any) -> dict[str, str]:
    from attrxfer.data import recognise

    return {"use": recognise(path, loaded.registry.all("dataset")), "path": str(path.resolve())}


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
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
def transfer(model: Path, pictures: tuple[Path, ...], out: Path, strength: float, quiet: bool) -> None:
    """Transfer PICTURES (files or folders) with MODEL (a bundle, or the folder of a finished run).

    Exit code 1 says that some pictures were broken and skipped.
    """
    from rich.console import Console
    from rich.progress import Progress

    from attrxfer.transfer import load, transfer_files

    loaded = load(model)
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
