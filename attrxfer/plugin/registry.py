"""Registered components by kind and name. A component's module is imported when it is used."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, Protocol

from attrxfer.errors import PluginError, UnknownName, did_you_mean, one_line


@dataclass(frozen=True)
class Component:
    """A registered class.

    Attributes:
        kind: One of ``KIND_NAMES``.
        name: Its name in recipes.
        target: "module:Class".
        summary: One line for lists.
        licence: Of the code, and of data or weights that come with it.
        paper: The paper that it implements.
        owner: The plugin that registered it.
    """

    kind: str
    name: str
    target: str
    summary: str
    licence: str = ""
    paper: str = ""
    owner: str = ""

    def load(self) -> type:
        """Import the class.

        Raises:
            PluginError: The import fails, or the target is not a class; the message names the plugin.
        """
        module, _, attribute = self.target.partition(":")
        whose = f'plugin "{self.owner}": {self.kind} "{self.name}"'
        try:
            loaded = getattr(importlib.import_module(module), attribute)
        except Exception as error:  # a module may raise any exception at import
            raise PluginError(f"{whose} cannot be imported from {self.target}: {one_line(error)}") from error
        if not isinstance(loaded, type):
            raise PluginError(f"{whose}: {self.target} is not a class")
        return loaded


class Register(Protocol):
    """The type of ``registry.KIND``."""

    def __call__(self, name: str, target: str, *, summary: str, licence: str = "", paper: str = "") -> None:
        """Register a component.

        Args:
            name: Its name in recipes.
            target: "module:Class", imported when a recipe names the component.
            summary: One line for lists.
            licence: Of the code, and of data or weights that come with it.
            paper: The paper that it implements.

        Raises:
            PluginError: The target is malformed, or the name is taken.
        """
        ...


class _Kind:
    """Makes ``registry.KIND`` the method that registers components of that kind."""

    def __set_name__(self, registry: type[Registry], kind: str) -> None:
        self.kind = kind

    def __get__(self, registry: Registry, _: type[Registry]) -> Register:
        def register(name: str, target: str, *, summary: str, licence: str = "", paper: str = "") -> None:
            registry.add(self.kind, name, target, summary=summary, licence=licence, paper=paper)

        return register


class _UnknownKind(PluginError, AttributeError):
    """Also an AttributeError, so that ``hasattr`` works."""


class Registry:
    """All components. Each kind has a method that registers one: ``registry.identity(name, target, summary=...)``.

    >>> registry = Registry()
    >>> with registry.owned_by("mine"):
    ...     registry.metric("sharpness", "my_package:Sharpness", summary="how sharp results are")
    >>> registry.names("metric")
    ['sharpness']
    """

    generator = _Kind()
    discriminator = _Kind()
    features = _Kind()
    adversarial = _Kind()
    identity = _Kind()
    regularizer = _Kind()
    enhancer = _Kind()
    dataset = _Kind()
    selection = _Kind()
    locator = _Kind()
    stage = _Kind()
    metric = _Kind()
    method = _Kind()
    backend = _Kind()
    exporter = _Kind()
    engine = _Kind()

    def __repr__(self) -> str:
        kinds = {kind for kind, _ in self._components}
        return f"Registry({len(self._components)} components of {len(kinds)} kinds)"

    def __init__(self) -> None:
        self._components: dict[tuple[str, str], Component] = {}
        self._defaults: list[tuple[str, str]] = []
        self._owner = ""

    @contextmanager
    def owned_by(self, owner: str) -> Iterator[None]:
        """Components that are registered inside belong to this plugin."""
        before, self._owner = self._owner, owner
        try:
            yield
        finally:
            self._owner = before

    def add(self, kind: str, name: str, target: str, *, summary: str, licence: str = "", paper: str = "") -> None:
        """Register a component of a kind: see ``Register``."""
        if target.count(":") != 1:
            raise PluginError(f'plugin "{self._owner}": {kind} "{name}": target "{target}" is not "module:Class"')
        taken = self._components.get((kind, name))
        if taken is not None:
            raise PluginError(f'{kind} "{name}" is registered by both "{taken.owner}" and "{self._owner}"')
        self._components[kind, name] = Component(kind, name, target, summary, licence, paper, self._owner)

    if not TYPE_CHECKING:

        def __getattr__(self, kind: str) -> NoReturn:
            raise _UnknownKind(f'plugin "{self._owner}": no kind "{kind}"{did_you_mean(kind, KIND_NAMES)}')

    def get(self, kind: str, name: str) -> Component:
        """The component of this name.

        Raises:
            UnknownName: There is none; the message has the nearest name.
        """
        try:
            return self._components[kind, name]
        except KeyError:
            raise UnknownName(f'no {kind} "{name}"{did_you_mean(name, self.names(kind))}') from None

    def set_default(self, kind: str, name: str) -> None:
        """Make a registered component the one of its kind that is used where a user names none.

        Raises:
            UnknownName: It is not registered.
        """
        self.get(kind, name)
        self._defaults.append((kind, name))

    def defaults(self, kind: str) -> list[str]:
        """The names given to ``set_default``: several where several plugins set one."""
        return sorted(name for of, name in self._defaults if of == kind)

    def names(self, kind: str) -> list[str]:
        """The names of a kind, sorted."""
        return sorted(name for of, name in self._components if of == kind)

    def all(self, kind: str | None = None) -> list[Component]:
        """All components, or those of a kind, by kind and name."""
        chosen = [component for component in self._components.values() if kind in (None, component.kind)]
        return sorted(chosen, key=lambda component: (KIND_NAMES.index(component.kind), component.name))


KIND_NAMES = tuple(name for name, method in vars(Registry).items() if isinstance(method, _Kind))
"""The keys of ``interfaces.KINDS``. They are not imported from there, since that imports NumPy and slows every command."""
