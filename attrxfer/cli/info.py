"""attrxfer info."""

from __future__ import annotations

import click

from attrxfer.cli import completion
from attrxfer.cli.output import JSON, json_text, table


@click.command()
@click.argument("model", metavar="MODEL", shell_complete=completion.models)
@JSON
def info(model: str, as_json: bool) -> None:
    """Show what a model is.

    Its task, size, networks, data, licences and scores are listed. MODEL is a bundle, a finished run, an exported file, a
    method or a shipped model. As JSON, it is all that the model knows of itself.
    """
    from attrxfer.plugin import host
    from attrxfer.workflows.info import facts, known

    if as_json:
        json_text(known(model, host.load()))
    else:
        table(facts(model, host.load()))
