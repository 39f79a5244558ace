"""attrxfer ablate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from attrxfer.cli import completion, trials
from attrxfer.cli.output import JSON, SET
from attrxfer.plugin.options import PATH


@click.command()
@click.argument("recipes", nargs=-1, required=True, metavar="RECIPE...", shell_complete=completion.recipes)
@trials.trial_options
@SET
@click.option("-o", "--out", type=PATH, default=Path("runs/ablation"), show_default=True, help="The folder.")
@JSON
def ablate(recipes: tuple[str, ...], out: Path, as_json: bool, **options: Any) -> None:
    """Train recipes under one budget and compare them.

    RECIPE is a file, or a name from `attrxfer recipe ls`. Each is trained once for each seed. All are
    scored on the same held-out images by the metrics of the first. Tables and a page are written after each run. Stopped, the
    same command goes on; what is finished is not done again.
    """
    from attrxfer.workflows.ablate import named

    found = trials.run(named(recipes), out=out, **options)
    trials.show(found, out, as_json)
