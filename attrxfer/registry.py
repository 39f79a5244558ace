"""Components by kind and name: who registered what, imported only when it is needed."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from attrxfer.errors import PluginError, UnknownName, did_you_mean

KIND_NAMES = (
    "generator",
    "discriminator",
    "adversarial",
    "identity",
    "regularizer",
    "enhancer",
    "dataset",
    "selection",
    "stage",
    "metric",
)
"""The keys of ``interfaces.KINDS``, which cannot be imported here: it needs NumPy, and commands must start fast."""


@dataclass(frozen=True)
class Component:
    """A registered class. target: "module:Class". owner: the plugin that registered it."""

    kind: str
    name: str
    target: str
    summary: str
    licence: str = ""
    paper: str = ""
    owner: str = ""

    def load(self) -> type:
        """Import the class. Raises PluginError that names the plugin when that fails."""
        module, _, attribute = self.target.partition(":")
        try:
            loaded = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise PluginError(f'plugin "{self.owner}": {self.kind} "{self.name}" cannot be imported from {self.target}: {error}') from error
        if not isinstance(loaded, type):
            raise PluginError(f'plugin "{self.owner}": {self.kind} "{self.name}": {self.target} is not a class')
        return loaded


class Registry:
    """Holds every component. There is one method a kind: ``registry.identity(name, target, summary=...)``."""

    def __init__(self) -> None:
        self._components: dict[tuple[str, str], Component] = {}
        self._owner = ""

    @contextmanager
    def owned_by(self, owner: str) -> Iterator[None]:
        """What is registered inside belongs to this plugin."""
        before, self._owner = self._owner, owner
        try:
            yield
        finally:
            self._owner = before

    def add(self, kind: str, name: str, target: str, *, summary: str, licence: str = "", paper: str = "") -> None:
        """Register a component. Raises PluginError for an unknown kind, a malformed target, or a name that is taken."""
        if kind not in KIND_NAMES:
            raise PluginError(f'plugin "{self._owner}": no kind "{kind}"{did_you_mean(kind, KIND_NAMES)}')
        if target.count(":") != 1:
            raise PluginError(f'plugin "{self._owner}": {kind} "{name}": target "{target}" is not "module:Class"')
        taken = self._components.get((kind, name))
        if taken is not None:
            raise PluginError(f'{kind} "{name}" is registered by both "{taken.owner}" and "{self._owner}"')
        self._components[kind, name] = Component(kind, name, target, summary, licence, paper, self._owner)

    def __getattr__(self, kind: str) -> Callable[..., None]:
        if kind.startswith("_"):
            raise AttributeError(kind)

        def register(name: str, target: str, *, summary: str, licence: str = "", paper: str = "") -> None:
            self.add(kind, name, target, summary=summary, licence=licence, paper=paper)

        return register

    def get(self, kind: str, name: str) -> Component:
        """Raises UnknownName with the nearest name."""
        try:
            return self._components[kind, name]
        except KeyError:
            raise UnknownName(f'no {kind} "{name}"{did_you_mean(name, self.names(kind))}') from None

    def names(self, kind: str) -> list[str]:
        """The names of a kind, sorted."""
        return sorted(name for of, name in self._components if of == kind)

    def all(self, kind: str | None = None) -> list[Component]:
        """All components, or those of a kind, by kind and name."""
        chosen = [component for component in self._components.values() if kind in (None, component.kind)]
        return sorted(chosen, key=lambda component: (KIND_NAMES.index(component.kind), component.name))
