"""Leakage: a network that scores results must not have taken part in training the model that made them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrxfer.errors import AttrxferError
from attrxfer.interfaces import BringsStages
from attrxfer.plugin.parameters import Spec, with_nested
from attrxfer.recipe import Recipe


def refuse_teachers(recipes: Mapping[str, Mapping[str, Any]], scoring: Recipe) -> None:
    """Check that no network or file of weights that a metric reads took part in training.

    Args:
        recipes: Filled recipes of the models that are scored, by the models' names.
        scoring: The recipe whose metrics are used.

    Raises:
        AttrxferError: A metric reads a features network or a file that trained one of the models, or a features network
            that gets its weights only by training.
    """
    teachers = {name: list(_tables({k: v for k, v in table.items() if k != "metric"})) for name, table in recipes.items()}
    for metric in scoring.metric:
        for spec in [inner for inner in with_nested(metric) if inner.kind == "features"]:
            component = spec.component.load()
            if isinstance(component, BringsStages) and component.stages:
                raise AttrxferError(
                    f"metric {metric.name}: features {spec.name} learns in a run of its own; name one with weights"
                )
            for name, tables in teachers.items():
                if spec.table() in tables:
                    raise _leak(name, f"features {spec.name}", metric)
        for file in _files(metric.values):
            for name, tables in teachers.items():
                if any(isinstance(v, str) and Path(v).resolve() == file for table in tables for v in table.values()):
                    raise _leak(name, str(file), metric)


def _leak(name: str, network: str, metric: Spec) -> AttrxferError:
    return AttrxferError(
        f"{name}: was trained with {network}, which metric {metric.name} reads: a network that taught a model must not score "
        f"it; give the metric another network"
    )


def _files(values: Mapping[str, Any]) -> set[Path]:
    """The files among a component's values."""
    items = [item for value in values.values() for item in (value if isinstance(value, tuple) else (value,))]
    return {item.resolve() for item in items if isinstance(item, Path) and item.is_file()}


def _tables(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every component's table inside a filled recipe."""
    if isinstance(value, Mapping):
        if "use" in value:
            yield value
        for inner in value.values():
            yield from _tables(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _tables(inner)
