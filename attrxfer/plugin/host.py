"""The plugin host: the only module that touches pluggy's manager."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from attrxfer.errors import AttrxferError, PluginError, did_you_mean
from attrxfer.plugin import hookspecs
from attrxfer.plugin.registry import Registry, one_line

if TYPE_CHECKING:
    import click

GROUP = "attrxfer"
PIN = "ATTRXFER_PLUGINS"


@dataclass(frozen=True)
class PluginInfo:
    """A loaded plugin. name: its entry point; components: how many it registered."""

    name: str
    distribution: str
    version: str
    components: int


class Host:
    """All plugins, loaded; built-ins come by the same entry points as anyone's.

    Raises PluginError, one line that names the plugin, when one of them is broken: a run that silently went on without it
    would not be the run its user asked for.
    """

    def __init__(self, points: Sequence[metadata.EntryPoint] | None = None) -> None:
        """points: what to load instead of ``entry_points()``."""
        self.registry = Registry()
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._points = entry_points() if points is None else list(points)
        for point in self._points:
            self._register(point)
        try:
            self._manager.check_pending()
        except pluggy.PluginValidationError as error:
            raise PluginError(f'plugin "{self._manager.get_name(error.plugin)}": {one_line(error)}') from None
        list(self._call("register_components", registry=self.registry))

    def __repr__(self) -> str:
        return f"Host({', '.join(point.name for point in self._points)})"

    def _register(self, point: metadata.EntryPoint) -> None:
        try:
            self._manager.register(point.load(), name=point.name)
        except Exception as error:  # a third party's module may raise anything at import
            raise PluginError(
                f'plugin "{point.name}" ({point.value}) cannot be loaded: {one_line(error)}; '
                f"uninstall it, or leave it out with {PIN}"
            ) from error

    def recipes(self, only: str | None = None) -> dict[str, Path]:
        """Every registered recipe by name, or those of one plugin. Raises PluginError when two plugins ship the same name, or
        one no folder."""
        found: dict[str, tuple[str, Path]] = {}
        for name, folder in self._call("register_recipes", only):
            if not (isinstance(folder, Path) and folder.is_dir()):
                raise PluginError(f'plugin "{name}": register_recipes returned {folder}, which is not a folder')
            for path in sorted(folder.rglob("*.toml")):
                recipe = path.relative_to(folder).with_suffix("").as_posix()
                if recipe in found:
                    raise PluginError(f'recipe "{recipe}" is shipped by both "{found[recipe][0]}" and "{name}"')
                found[recipe] = (name, path)
        return {recipe: path for recipe, (_, path) in sorted(found.items())}

    def models(self) -> dict[str, Path]:
        """Every shipped model's bundle by name.

        Raises:
            PluginError: Two plugins ship a model of the same name, or one returned no folder.
        """
        found: dict[str, tuple[str, Path]] = {}
        for plugin, folder in self._call("register_models"):
            if not (isinstance(folder, Path) and folder.is_dir()):
                raise PluginError(f'plugin "{plugin}": register_models returned {folder}, which is not a folder')
            for path in sorted(path.parent for path in folder.glob("*/attrxfer.json")):
                if path.name in found:
                    raise PluginError(f'model "{path.name}" is shipped by both "{found[path.name][0]}" and "{plugin}"')
                found[path.name] = (plugin, path)
        return {name: path for name, (_, path) in sorted(found.items())}

    def self_test(self) -> str | None:
        """The name of the recipe that the self-test trains, the first plugin's by name; None where no plugin names one."""
        named = sorted(self._call("register_self_test"))
        return named[0][1] if named else None

    def plugins(self) -> list[PluginInfo]:
        """What is loaded, by entry point name."""
        counts = [component.owner for component in self.registry.all()]
        return [
            PluginInfo(
                point.name,
                point.dist.name if point.dist else "",
                point.dist.version if point.dist else "",
                counts.count(point.name),
            )
            for point in self._points
        ]

    def add_commands(self, group: click.Group, only: str | None = None) -> None:
        """Let plugins, or one of them, add their commands."""
        list(self._call("register_commands", only, group=group))

    def _call(self, hook: str, only_plugin: str | None = None, **arguments: Any) -> Iterator[tuple[str, Any]]:
        """Call a hook plugin by plugin; yields the plugin's name and what it returned. Raises PluginError naming both."""
        plugins = self._manager.list_name_plugin()
        for name, plugin in plugins:
            if only_plugin not in (None, name):
                continue
            only = self._manager.subset_hook_caller(hook, [other for _, other in plugins if other is not plugin])
            try:
                with self.registry.owned_by(name):
                    results = only(**arguments)
            except AttrxferError:
                raise
            except Exception as error:  # a third party's hook may raise anything
                raise PluginError(f'plugin "{name}": {hook} failed: {one_line(error)}') from error
            for result in results:
                yield name, result


def summary(recipe: Path) -> str:
    """What a recipe's file says of itself: what stands after the command in its first line, or else that line."""
    first = recipe.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")
    return first.partition("        ")[2].strip() or first


def entry_points() -> list[metadata.EntryPoint]:
    """The entry points to load, sorted by name; ATTRXFER_PLUGINS="a,b" pins them. Raises PluginError for unknown names and
    for a name that two distributions claim."""
    points: dict[str, metadata.EntryPoint] = {}
    for point in metadata.entry_points(group=GROUP):
        if points.setdefault(point.name, point) != point:
            both = " and ".join(f'"{p.dist.name if p.dist else p.value}"' for p in (points[point.name], point))
            raise PluginError(f'two distributions have a plugin "{point.name}": {both}; uninstall one')
    pinned = os.environ.get(PIN)
    names = sorted(points) if pinned is None else [name.strip() for name in pinned.split(",") if name.strip()]
    for name in names:
        if name not in points:
            raise PluginError(f'{PIN}: no plugin "{name}" is installed{did_you_mean(name, points)}')
    if pinned is None and not names:
        raise PluginError("no plugins are installed, not even the built-in ones; install attrxfer with pip")
    return [points[name] for name in names]


@functools.cache
def load() -> Host:
    """The host of this process, made once."""
    return Host()
