"""attrxfer sweep."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from attrxfer.cli import trials
from attrxfer.cli.output import score_table


@click.command()
@click.argument("recipe", metavar="RECIPE")
@click.option(
    "--set",
    "overrides",
    multiple=True,
    required=True,
    metavar="A.B=C,D,E",
    help="A setting and the values to try, with commas between; repeatable: every combination is trained.",
)
@trials.trial_options
@click.option("-o", "--out", type=click.Path(path_type=Path), help="The folder.  [default: runs/RECIPE_sweep]")
@click.option("-q", "--quiet", is_flag=True, help="Print errors only.")
def sweep(recipe: str, overrides: tuple[str, ...], out: Path | None, quiet: bool, **options: Any) -> None:
    """Train a recipe with every combination of settings, and choose the best.

    RECIPE is a file, or a name from `attrxfer recipe ls`. The best is chosen on the validation images: by attribute accuracy at
    equal verification where the metrics give it, else by the nearness to the exact truth, else by attribute accuracy. The
    table has the test images. Stopped, the same command goes on.
    """
    from attrxfer.workflows.sweep import combinations

    variants, fixed = combinations(recipe, overrides)
    place = out or Path("runs") / f"{Path(recipe).stem}_sweep"
    found = trials.run(variants, overrides=fixed, out=place, quiet=quiet, choose=True, **options)
    if quiet:
        return
    score_table(found.comparison.scores)
    if found.best is not None:
        click.echo(f"\nbest on the validation images, by {found.chosen_by}: {found.best}")
    click.echo(f"\n{place / 'page.html'}")
