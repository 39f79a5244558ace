"""attrxfer components."""

from __future__ import annotations

import click

from attrxfer.cli import completion
from attrxfer.cli.output import JSON, listing
from attrxfer.errors import AttrxferError, did_you_mean
from attrxfer.plugin import host
from attrxfer.plugin.registry import KIND_NAMES


@click.command()
@click.argument("kind", required=False, shell_complete=completion.kinds)
@JSON
def components(kind: str | None, as_json: bool) -> None:
    """List the installed components.

    With KIND, list only the components of this kind.
    """
    if kind is not None and kind not in KIND_NAMES:
        raise AttrxferError(f'no kind "{kind}"{did_you_mean(kind, KIND_NAMES)}')
    rows = [("KIND", "NAME", "PLUGIN", "LICENCE", "WHAT IT IS")]
    listing([*rows, *[(c.kind, c.name, c.owner, c.licence, c.summary) for c in host.load().registry.all(kind)]], as_json)
