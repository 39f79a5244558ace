"""attrxfer models."""

from __future__ import annotations

import click

from attrxfer.cli.output import table


@click.command()
def models() -> None:
    """List the models that the installed plugins ship."""
    from attrxfer.plugin import host
    from attrxfer.workflows.info import shipped_models

    rows = shipped_models(host.load())
    if len(rows) == 1:
        click.echo("no installed plugin ships a model; train one with: attrxfer run RECIPE")
        return
    table(rows)
