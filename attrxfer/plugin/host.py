"""The plugin host, which loads plugins and calls their hooks through pluggy."""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from attrxfer.errors import AttrxferError, PluginError, did_you_mean, one_line
from attrxfer.plugin import hookspecs
from attrxfer.plugin.registry import Registry

if TYPE_CHECKING:
    import click

log = logging.getLogger("attrxfer")
GROUP = "attrxfer"
PIN = "ATTRXFER_PLUGINS"


@dataclass(frozen=True)
class PluginInfo:
    """A loaded plugin.

    Attributes:
        name: The name of its entry point.
        distribution: The installed package that has it; "" if unknown.
        version: The version of the package; "" if unknown.
        components: Number of components that it registered.
    """

    name: str
    distribution: str
    version: str
    components: int


class Host:
    """All loaded plugins. The built-in plugins have entry points as all others.

    Args:
        points: Entry points to load instead of ``entry_points()``.

    Raises:
        PluginError: A plugin is broken; the message names it. It is not skipped, since a run without it would be another
            run.
    """

    def __init__(self, points: Sequence[metadata.EntryPoint] | None = None) -> None:
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
        except Exception as error:  # a module may raise any exception at import
            raise PluginError(
                f'plugin "{point.name}" ({point.value}) cannot be loaded: {one_line(error)}; '
                f"uninstall it, or leave it out with {PIN}"
            ) from error

    def recipes(self, only: str | None = None) -> dict[str, Path]:
        """The registered recipes by name.

        Args:
            only: A plugin; only its recipes are returned.

        Raises:
            PluginError: Two plugins ship a recipe of the same name, or one returned no folder.
        """

        def in_folder(folder: Path) -> Iterator[tuple[str, Path]]:
            for path in sorted(folder.rglob("*.toml")):
                yield path.relative_to(folder).with_suffix("").as_posix(), path

        return self._shipped("recipe", in_folder, only)

    def models(self) -> dict[str, Path]:
        """The bundles of shipped models by name.

        Raises:
            PluginError: Two plugins ship a model of the same name, or one returned no folder.
        """

        def in_folder(folder: Path) -> Iterator[tuple[str, Path]]:
            for path in sorted(path.parent for path in folder.glob("*/attrxfer.json")):
                yield path.name, path

        return self._shipped("model", in_folder)

    def _shipped(
        self, what: str, in_folder: Callable[[Path], Iterable[tuple[str, Path]]], only: str | None = None
    ) -> dict[str, Path]:
        """What plugins ship in the folders that their hook ``register_{what}s`` returns, by name."""
        found: dict[str, tuple[str, Path]] = {}
        for plugin, folder in self._call(f"register_{what}s", only):
            if not (isinstance(folder, Path) and folder.is_dir()):
                raise PluginError(f'plugin "{plugin}": register_{what}s returned {folder}, which is not a folder')
            for name, path in in_folder(folder):
                if name in found:
                    raise PluginError(f'{what} "{name}" is shipped by both "{found[name][0]}" and "{plugin}"')
                found[name] = (plugin, path)
        return {name: path for name, (_, path) in sorted(found.items())}

    def self_test(self) -> str | None:
        """The name of the recipe that the self-test trains, from the first plugin that has one; None if no plugin has one."""
        named = sorted(self._call("register_self_test"))
        return named[0][1] if named else None

    def plugins(self) -> list[PluginInfo]:
        """The loaded plugins, sorted by name."""
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
        """Add the commands of all plugins, or of the plugin ``only``."""
        list(self._call("register_commands", only, group=group))

    def _call(self, hook: str, only_plugin: str | None = None, **arguments: Any) -> Iterator[tuple[str, Any]]:
        """Call a hook of one plugin after the other.

        Yields:
            The plugin's name and what its hook returned.

        Raises:
            PluginError: A hook failed; the message names the plugin and the hook.
        """
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
            except Exception as error:  # a hook may raise any exception
                raise PluginError(f'plugin "{name}": {hook} failed: {one_line(error)}') from error
            for result in results:
                yield name, result


def summary(recipe: Path) -> str:
    """A recipe's summary: the text after the command in its first line, or the whole first line."""
    first = recipe.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")
    return first.partition("        ")[2].strip() or first


def entry_points() -> list[metadata.EntryPoint]:
    """The entry points to load, sorted by name. ATTRXFER_PLUGINS="a,b" limits them to these, in this order.

    Raises:
        PluginError: ATTRXFER_PLUGINS names an unknown plugin, two packages have a plugin of the same name, or none is
            installed.
    """
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
    if pinned is not None and not names:
        log.warning("%s is set and names no plugin, so there are no recipes and no components", PIN)
    elif not names:
        raise PluginError("no plugins are installed, not even the built-in ones; install attrxfer with pip")
    return [points[name] for name in names]


@functools.cache
def load() -> Host:
    """The host of this process."""
    return Host()
