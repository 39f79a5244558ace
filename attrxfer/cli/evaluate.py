"""attrxfer evaluate."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("candidates", nargs=-1, required=True, metavar="BUNDLE_OR_RUN_OR_METHOD_OR_FOLDER...")
@click.option("--data", type=click.Path(path_type=Path), help="Score on these images instead of the first bundle's own.")
@click.option("--recipe", help="Task, data and metrics are this recipe's, not the first bundle's.")
@click.option("--set", "overrides", multiple=True, metavar="A.B=C", help="Change a setting of that recipe; repeatable.")
@click.option(
    "--limit",
    default=300,
    type=click.IntRange(min=0),
    show_default=True,
    help="Held-out images that are scored; 0 takes all.",
)
@click.option("--strength", type=click.FloatRange(0, 3), default=1.0, show_default=True)
@click.option("-o", "--out", type=click.Path(path_type=Path), default=Path("scores"), show_default=True)
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
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
    """Score trained models, methods and folders of results side by side on held-out images.

    Writes scores.json, table.md and page.html into the folder OUT.
    """
    from attrxfer.cli.compare import print_scores
    from attrxfer.workflows import evaluate as workflow

    scored = workflow.evaluate(
        candidates, recipe=recipe, data=data, overrides=overrides, limit=limit, strength=strength, out=out
    )
    if not quiet:
        print_scores(scored.scores)
        click.echo(f"\n{out / 'page.html'}")
