"""attrxfer components."""

from __future__ import annotations

import click

from attrxfer.cli.output import table
from attrxfer.errors import AttrxferError, did_you_mean
from attrxfer.plugin import host
from attrxfer.plugin.registry import KIND_NAMES


@click.command()
@click.argument("kind", required=False)
def components(kind: str | None) -> None:
    """List the installed components.

    With KIND, list only the components of this kind.
    """
    if kind is not None and kind not in KIND_NAMES:
        raise AttrxferError(f'no kind "{kind}"{did_you_mean(kind, KIND_NAMES)}')
    rows = [("KIND", "NAME", "PLUGIN", "LICENCE", "WHAT IT IS")]
    table([*rows, *[(c.kind, c.name, c.owner, c.licence, c.summary) for c in host.load().registry.all(kind)]])
