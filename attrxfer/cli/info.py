"""attrxfer info."""

from __future__ import annotations

import click

from attrxfer.cli.output import table


@click.command()
@click.argument("model")
def info(model: str) -> None:
    """Show what a model is.

    Its task, size, networks, data, licences and scores are listed. MODEL is a bundle, a finished run, an exported file, a
    method or a shipped model.
    """
    from attrxfer.plugin import host
    from attrxfer.workflows.info import facts

    table(facts(model, host.load()))
