"""attrxfer sweep."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from attrxfer.cli import completion, trials
from attrxfer.cli.output import JSON
from attrxfer.plugin.options import PATH


@click.command()
@click.argument("recipe", metavar="RECIPE", shell_complete=completion.recipes)
@click.option(
    "--set",
    "overrides",
    multiple=True,
    required=True,
    metavar="A.B=C,D,E",
    help="A setting and the values to try, with commas between; repeatable: every combination is trained.",
)
@trials.trial_options
@click.option("-o", "--out", type=PATH, help="The folder.  [default: runs/RECIPE_sweep]")
@JSON
def sweep(recipe: str, overrides: tuple[str, ...], out: Path | None, as_json: bool, **options: Any) -> None:
    """Train a recipe with several settings and choose the best.

    RECIPE is a file, or a name from `attrxfer recipe ls`. The best is chosen on the validation images: by attribute accuracy at
    equal verification where the metrics give it, else by the nearness to the exact truth, else by attribute accuracy. The
    table has the test images. Stopped, the same command goes on.
    """
    from attrxfer.workflows.sweep import combinations

    variants, fixed = combinations(recipe, overrides)
    place = out or Path("runs") / f"{Path(recipe).stem}_sweep"
    found = trials.run(variants, overrides=fixed, out=place, choose=True, **options)
    trials.show(found, place, as_json)
