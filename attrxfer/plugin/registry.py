"""Components by kind and name: who registered what, imported only when it is needed."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, Protocol

from attrxfer.errors import PluginError, UnknownName, did_you_mean


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
        whose = f'plugin "{self.owner}": {self.kind} "{self.name}"'
        try:
            loaded = getattr(importlib.import_module(module), attribute)
        except Exception as error:  # a third party's module may raise anything at import
            raise PluginError(f"{whose} cannot be imported from {self.target}: {one_line(error)}") from error
        if not isinstance(loaded, type):
            raise PluginError(f"{whose}: {self.target} is not a class")
        return loaded


class Register(Protocol):
    """``registry.KIND``: register a component. target: "module:Class", imported when a recipe names it; summary: one line.

    Raises PluginError for a malformed target or a name that is taken.
    """

    def __call__(self, name: str, target: str, *, summary: str, licence: str = "", paper: str = "") -> None: ...


class _Kind:
    """Makes ``registry.KIND`` the method that registers components of that kind."""

    def __set_name__(self, registry: type[Registry], kind: str) -> None:
        self.kind = kind

    def __get__(self, registry: Registry, _: type[Registry]) -> Register:
        def register(name: str, target: str, *, summary: str, licence: str = "", paper: str = "") -> None:
            registry.add(self.kind, name, target, summary=summary, licence=licence, paper=paper)

        return register


class _UnknownKind(PluginError, AttributeError):
    """An AttributeError too, so that ``hasattr`` answers."""


class Registry:
    """Holds every component. There is one method a kind: ``registry.identity(name, target, summary=...)``."""

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

    def __repr__(self) -> str:
        kinds = {kind for kind, _ in self._components}
        return f"Registry({len(self._components)} components of {len(kinds)} kinds)"

    def __init__(self) -> None:
        self._components: dict[tuple[str, str], Component] = {}
        self._defaults: list[tuple[str, str]] = []
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
        """What ``registry.KIND(...)`` does. Raises PluginError for a malformed target or a name that is taken."""
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
        """Raises UnknownName with the nearest name."""
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
"""The keys of ``interfaces.KINDS``, which cannot be imported here: it needs NumPy, and commands must start fast."""


def one_line(error: BaseException) -> str:
    """Another library's message without its line breaks; its type where it has none.

    >>> one_line(ValueError("first\\n  second"))
    'first second'
    """
    return " ".join(str(error).split()) or type(error).__name__
