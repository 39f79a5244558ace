"""What several commands print."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click

from attrxfer.plugin.options import attribute

SET = click.option("--set", "overrides", multiple=True, metavar="A.B=C", help="Change a setting of the recipe; repeatable.")
"""The option of every command that reads a recipe."""


JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
"""The option of every command that prints a list, facts or scores."""


ATTRIBUTE = attribute("What a bundle for many attributes changes, for example Young=true")
"""The option of every command that opens a bundle for one purpose."""


def json_text(value: Any) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def listing(rows: Sequence[Sequence[str]], as_json: bool) -> None:
    """Print a head and rows in columns; as JSON an object for each row, whose keys are the head in small letters."""
    if not as_json:
        table(rows)
        return
    head = [name.lower() for name in rows[0]]
    json_text([dict(zip(head, row, strict=True)) for row in rows[1:]])


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
