"""Which stages a run has, in which order: they follow from its components."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from attrxfer.interfaces import SLOTS


@dataclass(frozen=True)
class PlannedStage:
    """A stage to run: ``key`` is unique in the run (it names the stage in metrics and seeds its batches), ``name`` is the
    registered stage, ``owner`` the component that brought it (None when the recipe listed it)."""

    key: str
    name: str
    owner: Any


def plan(components: Iterable[Any], override: Sequence[str] | None) -> list[PlannedStage]:
    """The stages of a run: those its components declare in ``stages``, by slot, each component once; or, when the recipe
    has ``stages = [...]``, just these names in this order, with the owners that declare them."""
    declared: list[tuple[int, str, Any]] = []
    seen: set[int] = set()
    for component in components:
        if id(component) not in seen:
            seen.add(id(component))
            declared += [(SLOTS.index(slot), name, component) for slot, name in getattr(component, "stages", ())]
    declared.sort(key=lambda item: item[0])
    if override is None:
        return _keyed([(name, owner) for _, name, owner in declared])
    listed: list[tuple[str, Any]] = []
    for name in override:
        owners = [owner for _, declared_name, owner in declared if declared_name == name]
        listed += [(name, owner) for owner in owners or [None]]
    return _keyed(listed)


def _keyed(stages: Sequence[tuple[str, Any]]) -> list[PlannedStage]:
    count: dict[str, int] = {}
    planned = []
    for name, owner in stages:
        count[name] = count.get(name, 0) + 1
        planned.append(PlannedStage(name if count[name] == 1 else f"{name}_{count[name]}", name, owner))
    return planned
