"""attrxfer ablate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from attrxfer.cli import trials
from attrxfer.cli.output import SET, score_table


@click.command()
@click.argument("recipes", nargs=-1, required=True, metavar="RECIPE...")
@trials.trial_options
@SET
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), default=Path("runs/ablation"), show_default=True, help="The folder."
)
@click.option("-q", "--quiet", is_flag=True, help="Print errors only.")
def ablate(recipes: tuple[str, ...], out: Path, quiet: bool, **options: Any) -> None:
    """Train recipes under one budget, with several seeds, and compare them.

    RECIPE is a file, or a name from `attrxfer recipe ls`. All are scored on the same held-out images by the metrics of the
    first. Tables and a page are written after each run. Stopped, the same command goes on; what is finished is not done again.
    """
    from attrxfer.workflows.ablate import named

    found = trials.run(named(recipes), out=out, quiet=quiet, **options)
    if not quiet:
        score_table(found.comparison.scores)
        click.echo(f"\n{out / 'page.html'}")
