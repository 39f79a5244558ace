"""What several commands print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

SET = click.option("--set", "overrides", multiple=True, metavar="A.B=C", help="Change a setting of the recipe; repeatable.")
"""The option of every command that reads a recipe."""


def table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns, as wide as their longest cell; the last column may have any length."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)] if rows else []
    for row in rows:
        cells = [f"{cell:{width}}" for cell, width in zip(row, widths, strict=False)]
        click.echo("  ".join([*cells, row[-1]]).rstrip())


def score_table(scorecards: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
    """Print a row a score and a column a candidate, from {candidate: {label: score}}."""
    from attrxfer.report.score_text import cell, names

    rows = [("SCORE", *scorecards)]
    rows += [(name, *(cell(scores.get(name)) for scores in scorecards.values())) for name in names(scorecards)]
    table(rows)
