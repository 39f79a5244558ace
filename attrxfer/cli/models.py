"""attrxfer models."""

from __future__ import annotations

import click

from attrxfer.cli.output import JSON, json_text, table


@click.command()
@JSON
def models(as_json: bool) -> None:
    """List the models that the installed plugins ship."""
    from attrxfer.plugin import host
    from attrxfer.workflows.info import shipped, shipped_models

    if as_json:
        json_text(shipped(host.load()))
        return
    rows = shipped_models(host.load())
    if len(rows) == 1:
        click.echo("no installed plugin ships a model; train one with: attrxfer run RECIPE")
        return
    table(rows)
