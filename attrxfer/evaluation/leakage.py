"""Leakage: a network that scores results must not have taken part in training the model that made them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrxfer.errors import AttrxferError
from attrxfer.interfaces import BringsStages
from attrxfer.plugin.parameters import Spec, with_nested
from attrxfer.recipe import Recipe
from attrxfer.storage.files import sha256


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
    read = {name: {file for table in tables for file in _files(table)} for name, tables in teachers.items()}
    for metric in scoring.metric:
        specs = with_nested(metric)
        for spec in [inner for inner in specs if inner.kind == "features"]:
            component = spec.component.load()
            if isinstance(component, BringsStages) and component.stages:
                raise AttrxferError(
                    f"metric {metric.name}: features {spec.name} learns in a run of its own; name one with weights"
                )
            for name, tables in teachers.items():
                if any(_is_same(spec.table(), table) for table in tables):
                    raise _leak(name, f"features {spec.name}", metric)
        for file in {file for spec in specs for file in _files(spec.table())}:
            for name, files in read.items():
                if any(_equal(file, other) for other in files):
                    raise _leak(name, str(file), metric)


def _leak(name: str, network: str, metric: Spec) -> AttrxferError:
    return AttrxferError(
        f"{name}: was trained with {network}, which metric {metric.name} reads: a network that taught a model must not score "
        f"it; give the metric another network"
    )


def _is_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two tables name one network: their texts, switches and files agree, where both have one. Numbers only choose
    among its outputs, and a file that one does not name may be found by an environment variable."""
    names = [name for name in one.keys() & other.keys() if isinstance(one[name], bool | str) and one[name] != ""]
    return all(other[name] == "" or one[name] == other[name] or _equal(one[name], other[name]) for name in names)


def _equal(one: object, other: object) -> bool:
    """Whether two texts or paths are of files with equal content."""
    files = [Path(str(file)) for file in (one, other)]
    if not all(file.is_file() for file in files) or len({file.stat().st_size for file in files}) > 1:
        return False
    return files[0].samefile(files[1]) or sha256(files[0]) == sha256(files[1])


def _files(table: Mapping[str, Any]) -> set[Path]:
    """The files that a component's table names, but not those of the components inside it."""
    items = [item for value in table.values() for item in (value if isinstance(value, list) else [value])]
    return {Path(item) for item in items if isinstance(item, str) and item and Path(item).is_file()}


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
