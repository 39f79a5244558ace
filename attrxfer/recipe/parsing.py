"""From a merged table to a recipe: all problems are found at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrxfer.errors import InvalidRecipe, Problem, did_you_mean
from attrxfer.plugin.parameters import Spec, check, check_parameters
from attrxfer.plugin.registry import Registry
from attrxfer.recipe.schema import (
    FORMAT,
    MANY,
    ONE,
    PLAIN,
    RENAMED,
    SECTIONS,
    SETTINGS_OF_TRAIN,
    Recipe,
    Report,
    Task,
    Train,
    shared,
)
from attrxfer.storage.files import is_file_name


def parse(table: Mapping[str, Any], registry: Registry, source: str, problems: Sequence[Problem] = ()) -> Recipe:
    """Check a merged table.

    Args:
        table: The recipe.
        registry: The components.
        source: Names the recipe in messages.
        problems: Problems that are known already.

    Raises:
        InvalidRecipe: ``problems`` and all that are found here.
    """
    stated = table.get("format", FORMAT)
    if stated != FORMAT:
        raise InvalidRecipe(source, [Problem("format", f"{stated}: this version reads recipes of format {FORMAT}")])
    found = list(problems)
    found += [
        Problem(key, f"unknown section{did_you_mean(key, (*SECTIONS, *PLAIN, 'extends', 'with_data'))}")
        for key in table
        if key not in (*SECTIONS, *PLAIN)
    ]
    train_table = table.get("train", {})
    nested = _stage_tables(train_table)
    sections = {
        "task": _section(Task, table.get("task", {}), registry, "task", found),
        "train": _train(train_table, nested, registry, found),
        "report": _section(Report, table.get("report", {}), registry, "report", found),
    }
    settings = shared({**vars(Train()), **(vars(sections["train"]) if sections["train"] else {})})
    task = sections["task"]
    common = {"size": settings["size"], **({"guided": task.guided} if task else {})}
    parts = _components(table, registry, common, found)
    specs = _stage_specs(nested, registry, settings, found)
    stages = _stages(table.get("stages"), registry, found)
    reference = table.get("reference")
    if not isinstance(reference, str | None):
        found.append(Problem("reference", "expected the name of a recipe"))
    if sections["task"] and not is_file_name(sections["task"].name):
        found.append(Problem("task.name", "is part of file names: no slashes, no line breaks, and not empty"))
    if found:
        raise InvalidRecipe(source, [_renamed(problem) for problem in found])
    return Recipe(source=source, stages=stages, stage_specs=specs, reference=reference, registry=registry, **sections, **parts)


def _renamed(problem: Problem) -> Problem:
    """An unknown key of format 1 is answered by its name now."""
    now = RENAMED.get(problem.path.rpartition(".")[2])
    if now is None or not problem.message.startswith("unknown key"):
        return problem
    return Problem(problem.path, f"is {now} since recipes have format {FORMAT}")


def _stage_tables(train: Any) -> dict[str, Any]:
    """The tables of [train] that are none of its own settings, by the name of their stage."""
    if not isinstance(train, dict):
        return {}
    return {key: value for key, value in train.items() if isinstance(value, dict) and key not in SETTINGS_OF_TRAIN}


def _section(cls: type, table: Any, registry: Registry, path: str, found: list[Problem]) -> Any:
    if not isinstance(table, dict):
        found.append(Problem(path, "expected a table"))
        return None
    values, problems = check_parameters(cls, table, registry, path=path, shared={})
    found += problems
    return None if problems else cls(**values)


def _train(table: Any, nested: Mapping[str, Any], registry: Registry, found: list[Problem]) -> Any:
    if not isinstance(table, dict):
        return _section(Train, table, registry, "train", found)
    return _section(Train, {k: v for k, v in table.items() if k not in nested}, registry, "train", found)


def _components(
    table: Mapping[str, Any], registry: Registry, settings: Mapping[str, Any], found: list[Problem]
) -> dict[str, Any]:
    def one(kind: str, key: str) -> Spec | None:
        spec, problems = check(kind, table.get(key, {}), registry, path=key, shared=settings)
        found.extend(problems)
        return spec

    parts: dict[str, Any] = {"data": one("dataset", "data")}
    parts["selection"] = one("selection", "selection") if table.get("selection", []) != [] else None
    for kind in ONE:
        parts[kind] = one(kind, kind)
    for kind in MANY:
        tables = table.get(kind, [])
        if isinstance(tables, list):
            checked = [check(kind, t, registry, path=f"{kind}[{i}]", shared=settings) for i, t in enumerate(tables)]
        else:
            checked = [check(kind, tables, registry, path=kind, shared=settings)]
        parts[kind] = tuple(spec for spec, _ in checked)
        found.extend(problem for _, problems in checked for problem in problems)
    return parts


def _stage_specs(
    nested: Mapping[str, Any], registry: Registry, settings: Mapping[str, Any], found: list[Problem]
) -> dict[str, Spec]:
    """The checked [train.STAGE] tables; one for a stage that this run does not have is checked all the same."""
    specs: dict[str, Spec] = {}
    known = (*registry.names("stage"), *SETTINGS_OF_TRAIN)
    for name, table in nested.items():
        path = f"train.{name}"
        if name not in registry.names("stage"):
            found.append(Problem(path, f"no such stage or setting{did_you_mean(name, known)}"))
            continue
        if "use" in table:
            found.append(Problem(f"{path}.use", "the stage is named by the table itself; remove this line"))
        spec, problems = check("stage", {**table, "use": name}, registry, path=path, shared=settings)
        found += problems
        if spec is not None:
            specs[name] = spec
    return specs


def _stages(names: Any, registry: Registry, found: list[Problem]) -> tuple[str, ...] | None:
    if names is None:
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        found.append(Problem("stages", "expected an array of stage names"))
        return None
    known = registry.names("stage")
    for i, name in enumerate(names):
        if name not in known:
            found.append(Problem(f"stages[{i}]", f'no stage "{name}"{did_you_mean(name, known)}'))
    return tuple(names)
