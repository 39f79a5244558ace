"""The component under test: its class, a table of settings to build it with, and how to build it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from attrxfer.errors import InvalidRecipe
from attrxfer.interfaces import BringsStages
from attrxfer.plugin.parameters import Spec, build, check
from attrxfer.plugin.registry import Component, Registry
from attrxfer.testing.fakes import SIZE


@dataclass(frozen=True)
class Subject:
    """component: what is checked. settings: those it cannot do without. registry: where its parts and owner are from."""

    component: Component
    registry: Registry
    settings: Mapping[str, Any] = field(default_factory=dict)
    examples: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)

    def spec(self, **settings: Any) -> Spec:
        """The filled table. Raises InvalidRecipe when the settings are no valid table of this component."""
        table = {"use": self.component.name, **self.settings, **settings}
        shared = {"size": SIZE, "batch_size": 4, "guided": {"bright": True}}
        spec, problems = check(self.component.kind, table, self.registry, path=self.component.kind, shared=shared)
        if spec is None:
            raise InvalidRecipe(f"{self.component.kind} {self.component.name}", problems)
        return spec

    def build(self, memo: dict[str, Any] | None = None, **settings: Any) -> Any:
        """The component, and in ``memo`` its parts."""
        return build(self.spec(**settings), {} if memo is None else memo)

    def other(self, component: Component) -> Subject:
        """Another component of the registry, with its own example settings."""
        settings = self.examples.get((component.kind, component.name), {})
        return Subject(component, self.registry, settings, self.examples)

    def owner(self) -> Subject | None:
        """For a stage: the first component that declares it, None where none does."""
        for component in self.registry.all():
            loaded = component.load()
            if isinstance(loaded, BringsStages) and any(name == self.component.name for _, name in loaded.stages):
                return self.other(component)
        return None
