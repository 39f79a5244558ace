"""attrxfer compare."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN RUN...")
def compare(runs: tuple[Path, ...]) -> None:
    """Put finished runs side by side: where their recipes differ, and their scores."""
    from attrxfer.model.bundle import find, read_metadata
    from attrxfer.recipe import differences, shown

    metadata = {str(path): read_metadata(find(path)) for path in runs}
    first, *others = metadata.values()
    changed = [{key: (here, there) for key, here, there in differences(first["recipe"], other["recipe"])} for other in others]
    keys = list(dict.fromkeys(key for changes in changed for key in changes))
    if keys:
        from attrxfer.cli.looking import table

        rows = [("SETTING", *metadata)]
        for key in keys:
            first_value = next(changes[key][0] for changes in changed if key in changes)
            rows.append(
                (key, shown(first_value), *(shown(changes[key][1] if key in changes else first_value) for changes in changed))
            )
        table(rows)
        click.echo()
    print_scores({name: own["scores"].get("scores", {}) for name, own in metadata.items()})


def print_scores(scorecards: Mapping[str, Mapping[str, Any]]) -> None:
    """Print a row a score and a column a candidate."""
    from attrxfer.cli.looking import table
    from attrxfer.report.scorecard import names, shown

    rows = [("SCORE", *scorecards)]
    for name in names(scorecards):
        cells = [shown(scores[name]) if name in scores else ("", "") for scores in scorecards.values()]
        rows.append((name, *(f"{value} ({bounds})" if bounds else value for value, bounds in cells)))
    table(rows)
