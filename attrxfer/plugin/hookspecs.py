"""Every extension point on one page. A plugin is a module with some of these functions, marked ``@hookimpl``, and an entry
point in the group ``attrxfer`` that names the module."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    import click

    from attrxfer.plugin.registry import Registry

PROJECT = "attrxfer"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def register_components(registry: Registry) -> None:
    """Register components by calling ``registry.KIND(name, "module:Class", summary=...)``. Import no torch here: targets are
    imported when a recipe names them."""


@hookspec
def register_recipes() -> Path:
    """Return a folder of ``*.toml`` recipes; a recipe's name is its path below the folder without the suffix."""
    raise NotImplementedError


@hookspec
def register_models() -> Path:
    """Return a folder of bundles; a model's name is the name of its folder: ``attrxfer transfer NAME photo.jpg``."""
    raise NotImplementedError


@hookspec
def register_self_test() -> str:
    """Return the name of a recipe that ``attrxfer doctor`` makes small and trains, to see whether training works here."""
    raise NotImplementedError


@hookspec
def register_commands(group: click.Group) -> None:
    """Add commands to the command line by ``group.add_command(...)``. ``@click.pass_obj`` hands a command the registry.
    What takes long to import belongs inside the command."""
