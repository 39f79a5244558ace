"""attrxfer compare."""

from __future__ import annotations

from pathlib import Path

import click

from attrxfer.cli.output import score_table, table


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN RUN...")
def compare(runs: tuple[Path, ...]) -> None:
    """Compare finished runs.

    The settings in which their recipes differ, and their scores, stand side by side.
    """
    from attrxfer.workflows.compare import runs as read

    compared = read(runs)
    if len(compared.settings) > 1:
        table(compared.settings)
        click.echo()
    score_table(compared.scores)
