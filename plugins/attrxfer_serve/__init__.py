"""A server that transfers images over HTTP: ``attrxfer serve`` (extra ``serve``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrxfer.plugin.hookspecs import hookimpl

if TYPE_CHECKING:
    import click


@hookimpl
def register_commands(group: click.Group) -> None:
    from attrxfer_serve.commands import serve

    group.add_command(serve)
