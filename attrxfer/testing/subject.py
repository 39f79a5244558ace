"""The component under test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from attrxfer.errors import InvalidRecipe
from attrxfer.interfaces import BringsStages
from attrxfer.plugin.parameters import Spec, build, check
from attrxfer.plugin.registry import Component, Registry
from attrxfer.testing.fakes import SIZE


class NotChecked(Exception):
    """A check cannot follow what the component does; the message says why. It counts as skipped."""


@dataclass(frozen=True)
class Subject:
    """A component, and how to build it.

    Attributes:
        component: The component under test.
        registry: The registry for its nested components and its owner.
        settings: Settings that have no default.
        examples: The same for other components, by kind and name.
    """

    component: Component
    registry: Registry
    settings: Mapping[str, Any] = field(default_factory=dict)
    examples: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)

    def spec(self, **settings: Any) -> Spec:
        """The filled table of the component with these settings.

        Raises:
            InvalidRecipe: The settings are not valid.
        """
        table = {"use": self.component.name, **self.settings, **settings}
        shared = {"size": SIZE, "batch_size": 4, "guided": {"bright": True}}
        spec, problems = check(self.component.kind, table, self.registry, path=self.component.kind, shared=shared)
        if spec is None:
            raise InvalidRecipe(f"{self.component.kind} {self.component.name}", problems)
        return spec

    def build(self, built: dict[str, Any] | None = None, **settings: Any) -> Any:
        """Build the component; ``built`` receives all components that were built."""
        return build(self.spec(**settings), {} if built is None else built)

    def other(self, component: Component) -> Subject:
        """The subject of another component, with its example settings."""
        settings = self.examples.get((component.kind, component.name), {})
        return Subject(component, self.registry, settings, self.examples)

    def owner(self) -> Subject | None:
        """For a stage: the first component that brings it; None if no component does."""
        for component in self.registry.all():
            loaded = component.load()
            if isinstance(loaded, BringsStages) and any(name == self.component.name for _, name in loaded.stages):
                return self.other(component)
        return None
