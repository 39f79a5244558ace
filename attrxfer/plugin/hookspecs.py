"""All hooks. A plugin is a module with some of these functions, marked ``@hookimpl``, and an entry point in the group
``attrxfer`` that names the module."""

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
    """Register components with ``registry.KIND(name, "module:Class", summary=...)``.

    Do not import torch here: every command calls this hook. A target is imported when a recipe names it.
    """


@hookspec
def register_recipes() -> Path:
    """Return a folder of recipes (``*.toml``). A recipe's name is its path below the folder, without the suffix."""
    raise NotImplementedError


@hookspec
def register_models() -> Path:
    """Return a folder of bundles; a model's name is the name of its folder: ``attrxfer transfer NAME photo.jpg``."""
    raise NotImplementedError


@hookspec
def register_self_test() -> str:
    """Return the name of a recipe that ``attrxfer doctor`` trains in a small form, to test that training works."""
    raise NotImplementedError


@hookspec
def register_commands(group: click.Group) -> None:
    """Add commands to the command line with ``group.add_command(...)``.

    ``@click.pass_obj`` passes the registry to a command. Import slow modules inside the command.
    """
