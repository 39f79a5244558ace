"""attrxfer run."""

from __future__ import annotations

from pathlib import Path

import click

from attrxfer.cli.output import SET


@click.command()
@click.argument("recipe", required=False)
@click.option("--data", type=click.Path(path_type=Path), help="Your images, in any layout that an installed data set reads.")
@SET
@click.option("-o", "--out", type=click.Path(path_type=Path), help="The run's folder.  [default: runs/RECIPE]")
@click.option("--resume", type=click.Path(path_type=Path), metavar="FOLDER", help="Continue the interrupted run in FOLDER.")
@click.option("-q", "--quiet", is_flag=True, help="Print errors only.")
def run(
    recipe: str | None,
    data: Path | None,
    overrides: tuple[str, ...],
    out: Path | None,
    resume: Path | None,
    quiet: bool,
) -> None:
    """Train a recipe, then write a report and a bundle.

    RECIPE is a file, or a name from `attrxfer recipe ls`.
    """
    if (recipe is None) == (resume is None):
        raise click.UsageError("give either a RECIPE or --resume FOLDER")
    if resume is not None and (data or overrides or out):
        raise click.UsageError("--resume continues a run with its own settings: leave out --data, --set and -o")
    from attrxfer.plugin import host
    from attrxfer.workflows import train

    if resume is not None:
        train.resume(resume, host.load(), quiet=quiet)
    elif recipe is not None:
        train.begin(recipe, host.load(), overrides=overrides, data=data, out=out, quiet=quiet)
