"""A third party's plugin, in a package of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from attrxfer.plugin.hookspecs import hookimpl

if TYPE_CHECKING:
    import click

    from attrxfer.plugin.registry import Registry


@hookimpl
def register_components(registry: Registry) -> None:
    registry.identity("edges", "attrxfer_outsider.losses:Edges", summary="edges stay where they are")
    registry.regularizer("small_change", "attrxfer_outsider.losses:SmallChange", summary="the mask stays small")
    registry.enhancer("refine", "attrxfer_outsider.enhancer:Refine", summary="a second generator behind the first")
    registry.stage("refining", "attrxfer_outsider.enhancer:Refining", summary="teaches the enhancer to leave real images alone")


@hookimpl
def register_recipes() -> Path:
    return Path(__file__).parent / "recipes"


@hookimpl
def register_commands(group: click.Group) -> None:
    @group.command()
    def outsider() -> None:
        """Say hello from a plugin."""
        import click

        click.echo("hello from a plugin")
