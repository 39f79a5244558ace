"""attrxfer run."""

from __future__ import annotations

from pathlib import Path

import click

from attrxfer.cli import completion
from attrxfer.cli.output import SET
from attrxfer.cli.verbosity import is_quiet
from attrxfer.plugin.options import PATH


@click.command()
@click.argument("recipe", required=False, shell_complete=completion.recipes)
@click.option("--data", type=PATH, help="Your images, in any layout that an installed data set reads.")
@SET
@click.option("-o", "--out", type=PATH, help="The run's folder.  [default: runs/RECIPE]")
@click.option(
    "--resume",
    type=PATH,
    metavar="RUN",
    help="Continue the interrupted run in this folder; with --set train.STAGE.steps=N, lengthen it, finished or not.",
)
@click.option(
    "--from",
    "start",
    metavar="MODEL",
    shell_complete=completion.models,
    help="Begin with the weights of this trained model; without RECIPE, by its own recipe.",
)
def run(
    recipe: str | None,
    data: Path | None,
    overrides: tuple[str, ...],
    out: Path | None,
    resume: Path | None,
    start: str | None,
) -> None:
    """Train a recipe, then write a report and a bundle.

    RECIPE is a file, or a name from `attrxfer recipe ls`. `attrxfer train` is the same command.
    """
    if resume is not None and (recipe or data or out or start):
        raise click.UsageError("--resume continues a run with its own settings: leave out RECIPE, --data, --from and -o")
    if recipe is None and resume is None and start is None:
        raise click.UsageError("give a RECIPE, --resume RUN or --from MODEL")
    from attrxfer.plugin import host
    from attrxfer.workflows import train

    loaded, quiet = host.load(), is_quiet()
    if resume is not None:
        train.resume(resume, loaded, overrides=overrides, quiet=quiet)
    elif recipe is None:
        assert start is not None
        train.fine_tune(start, loaded, overrides=overrides, data=data, out=out, quiet=quiet)
    else:
        started = (train.started_with(start),) if start is not None else ()
        train.begin(recipe, loaded, overrides=(*overrides, *started), data=data, out=out, quiet=quiet)
