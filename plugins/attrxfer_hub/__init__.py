"""The Hugging Face hub: ``attrxfer push`` uploads a bundle with a model card, ``attrxfer pull`` downloads one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrxfer.plugin.hookspecs import hookimpl

if TYPE_CHECKING:
    import click


@hookimpl
def register_commands(group: click.Group) -> None:
    from attrxfer_hub.commands import pull, push

    group.add_command(push)
    group.add_command(pull)
