"""attrxfer evaluate."""

from __future__ import annotations

import json
from pathlib import Path

import click

from attrxfer.cli import completion
from attrxfer.cli.output import ATTRIBUTE, JSON, SET, json_text, score_table
from attrxfer.cli.verbosity import is_quiet
from attrxfer.plugin.options import DEVICE, PATH


@click.command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL...", shell_complete=completion.models)
@click.option("--data", type=PATH, help="Images to score on.  [default: those of the recipe]")
@click.option(
    "--recipe",
    metavar="RECIPE",
    help="Use the task, data, metrics and size of this recipe.  [default: the first model's, or the largest's]",
)
@ATTRIBUTE
@SET
@click.option(
    "--limit",
    default=300,
    type=click.IntRange(min=0),
    show_default=True,
    help="How many held-out images to score; 0: all.",
)
@click.option("--strength", type=click.FloatRange(0, 3), default=1.0, show_default=True, help="0: the input, 1: as trained.")
@DEVICE
@click.option("-o", "--out", type=PATH, default=Path("scores"), show_default=True, help="Where to write.")
@JSON
def evaluate(
    models: tuple[str, ...],
    data: Path | None,
    recipe: str | None,
    attributes: dict[str, bool] | None,
    overrides: tuple[str, ...],
    limit: int,
    strength: float,
    device: str,
    out: Path,
    as_json: bool,
) -> None:
    """Score models on the same held-out images.

    A MODEL is a bundle, a finished run, an exported file, a method or a shipped model by name, a method with settings
    ('{use="NAME", setting=value}'), or a folder of results named as the inputs. The scores are also written as scores.json,
    scores.csv, scores.tex, table.md and page.html.
    """
    from attrxfer.workflows import evaluate as workflow

    if attributes is not None:
        values = ", ".join(f"{json.dumps(name)} = {str(value).lower()}" for name, value in attributes.items())
        overrides = (*overrides, f"task.guided={{{values}}}")
    scored = workflow.evaluate(
        models, recipe=recipe, data=data, overrides=overrides, limit=limit, strength=strength, device=device, out=out
    )
    if as_json:
        json_text(scored.as_json())
    elif not is_quiet():
        score_table(scored.scores)
        click.echo(f"\n{out / 'page.html'}")
