"""Bundles for others: ``attrxfer push`` uploads one to the Hugging Face hub with a model card, ``attrxfer pull`` downloads one,
``attrxfer pack`` makes one for a plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrxfer.plugin.hookspecs import hookimpl

if TYPE_CHECKING:
    import click


@hookimpl
def register_commands(group: click.Group) -> None:
    from attrxfer_hub.commands import pack, pull, push

    group.add_command(push)
    group.add_command(pull)
    group.add_command(pack)
