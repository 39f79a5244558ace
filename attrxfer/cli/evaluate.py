"""attrxfer evaluate."""

from __future__ import annotations

from pathlib import Path

import click

from attrxfer.cli.output import SET, score_table


@click.command()
@click.argument("candidates", nargs=-1, required=True, metavar="CANDIDATE...")
@click.option("--data", type=click.Path(path_type=Path), help="Images to score on.  [default: those of the recipe]")
@click.option("--recipe", metavar="RECIPE", help="Use the task, data and metrics of this recipe.  [default: the first model's]")
@SET
@click.option(
    "--limit",
    default=300,
    type=click.IntRange(min=0),
    show_default=True,
    help="How many held-out images to score; 0: all.",
)
@click.option("--strength", type=click.FloatRange(0, 3), default=1.0, show_default=True, help="0: the input, 1: as trained.")
@click.option("-o", "--out", type=click.Path(path_type=Path), default=Path("scores"), show_default=True, help="Where to write.")
@click.option("-q", "--quiet", is_flag=True, help="Print errors only.")
def evaluate(
    candidates: tuple[str, ...],
    data: Path | None,
    recipe: str | None,
    overrides: tuple[str, ...],
    limit: int,
    strength: float,
    out: Path,
    quiet: bool,
) -> None:
    """Score models on the same held-out images.

    A CANDIDATE is a bundle, a finished run, an exported file, a method or a shipped model by name, a method with settings
    ('{use="NAME", setting=value}'), or a folder of results named as the inputs. The scores are also written as scores.json,
    scores.csv, scores.tex, table.md and page.html.
    """
    from attrxfer.workflows import evaluate as workflow

    scored = workflow.evaluate(
        candidates, recipe=recipe, data=data, overrides=overrides, limit=limit, strength=strength, out=out
    )
    if not quiet:
        score_table(scored.scores)
        click.echo(f"\n{out / 'page.html'}")
