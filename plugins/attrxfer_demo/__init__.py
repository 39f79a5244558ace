"""A page to try bundles on photos: ``attrxfer demo`` (extra ``ui``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrxfer.plugin.hookspecs import hookimpl

if TYPE_CHECKING:
    import click


@hookimpl
def register_commands(group: click.Group) -> None:
    from attrxfer_demo.commands import demo

    group.add_command(demo)
