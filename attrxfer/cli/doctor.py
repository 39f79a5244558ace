"""attrxfer doctor."""

from __future__ import annotations

import sys

import click

from attrxfer.cli.output import JSON, json_text

WRONG = 1
"""Exit code when something has to be repaired."""
WIDTH = 16


@click.command()
@JSON
def doctor(as_json: bool) -> None:
    """Check this installation.

    Versions, devices, extras, plugins, cache and disk are listed, and a self-test of a few seconds trains and applies a
    model. The exit code is 1 where something is wrong; a missing extra is not wrong.
    """
    from attrxfer.workflows.doctor import sections

    if as_json:
        found = {title: [row._asdict() for row in rows] for title, rows in sections()}
        json_text(found)
        sys.exit(WRONG if any(row["wrong"] for rows in found.values() for row in rows) else 0)
    wrong = 0
    for title, rows in sections():
        click.echo(title)
        for name, value, is_wrong in rows:
            wrong += is_wrong
            click.echo(f"{'!' if is_wrong else ' ':2}{name:{WIDTH}}  {value}")
    if wrong:
        click.echo(f"{wrong} {'things are' if wrong > 1 else 'thing is'} wrong: see the lines that begin with !")
        sys.exit(WRONG)
    click.echo("nothing is wrong")
