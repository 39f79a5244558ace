"""How a recipe is merged into the one that it extends, and how ``--set`` changes it."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from attrxfer.errors import Problem, shorten
from attrxfer.recipe.toml import DEEPEST, parse_toml

SETTINGS = ("task", "train", "report")


def merge(parent: Mapping[str, Any], child: Mapping[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """Merge two tables.

    Sections, [train.STAGE] tables and components' tables are merged key by key; where ``use`` changes, the parent's other
    keys are dropped. Arrays, and settings whose value is a table (``guided = {...}``), are replaced. A child that sets
    another ``guided`` and no ``input`` drops the parent's ``input``, so that it becomes the complement of the new ``guided``.

    Args:
        parent: The table that is extended.
        child: The table whose values win.
        path: The keys that lead to both.
    """
    if "use" in child and child["use"] != parent.get("use", child["use"]):
        return dict(child)
    merged = dict(parent)
    if path == ("task",) and "guided" in child and child["guided"] != parent.get("guided"):
        merged.pop("input", None)
    for key, value in child.items():
        old = parent.get(key)
        if isinstance(value, dict) and isinstance(old, dict) and _is_section((*path, key), old, value):
            merged[key] = merge(old, value, (*path, key))
        else:
            merged[key] = value
    return merged


def _is_section(path: tuple[str, ...], old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    if len(path) == 1 or (len(path) == 2 and path[0] == "train"):
        return True
    return "use" in old and path[0] not in SETTINGS


def apply_overrides(table: Mapping[str, Any], overrides: Sequence[str]) -> tuple[dict[str, Any], list[Problem]]:
    """Apply settings of the form ``a.b=c``.

    Their order matters only where two set the same key; then the last one wins. For this, whole tables are set before their
    keys, and ``use`` and ``task.guided`` before the keys that they drop.

    Args:
        table: The recipe.
        overrides: The settings. c is a TOML value, or else text. Tables of an array are named by their number.

    Returns:
        The changed recipe, and the problems of settings that could not be applied.

    >>> apply_overrides({"task": {"guided": {"Male": False, "Young": True}}}, ["task.guided.Male=true"])
    ({'task': {'guided': {'Male': True, 'Young': True}}}, [])
    """
    changed, problems = dict(table), []
    parsed: list[tuple[list[str], Any]] = []
    for override in overrides:
        key, equals, text = override.partition("=")
        try:
            keys, value = _keys(key.strip()), _value(text.strip())
        except ValueError as error:
            problems.append(Problem("--set", f'"{shorten(override)}": {error}'))
            continue
        if not equals or not all(keys):
            problems.append(Problem("--set", f'"{shorten(override)}" is not of the form a.b=value'))
        elif keys[0] == "extends":
            problems.append(Problem("--set extends", "a recipe's base cannot be changed here; name another recipe"))
        elif keys[0] == "with_data":
            problems.append(Problem("--set with_data", "has no effect here; write a recipe file that extends this one"))
        else:
            parsed.append((keys, value))
    for keys, value in sorted(parsed, key=_order):
        try:
            changed = _put(changed, keys, value, ())
        except LookupError as error:
            problems.append(Problem(f"--set {'.'.join(keys)}", str(error.args[0])))
    return changed, problems


def _order(override: tuple[list[str], Any]) -> tuple[bool, int, bool]:
    keys, _ = override
    return keys[:2] != ["task", "guided"], len(keys), keys[-1] != "use"


def _keys(text: str) -> list[str]:
    """The parts of a dotted TOML key; a part that TOML would want in quotes needs none.

    >>> _keys('guided."5 o.clock"'), _keys("guided.Größe")
    (['guided', '5 o.clock'], ['guided', 'Größe'])
    """
    try:
        table: Any = parse_toml(f"{text} = 0")
    except tomllib.TOMLDecodeError:
        if text.count(".") >= DEEPEST:
            raise ValueError(f"nested more than {DEEPEST} levels deep") from None
        return [part.strip() for part in text.split(".")]
    keys = []
    while isinstance(table, dict):
        key, table = next(iter(table.items()))
        keys.append(key)
    return keys


def _value(text: str) -> Any:
    try:
        return parse_toml(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _put(at: Any, keys: list[str], value: Any, path: tuple[str, ...]) -> Any:
    """A copy of the table ``at``, whose own place is ``path``, with ``value`` at ``keys``. Raises LookupError where there is no
    such place."""
    head, rest = keys[0], keys[1:]
    if isinstance(at, list):
        return _put_in_array(at, keys, value, path)
    if not isinstance(at, Mapping):
        raise LookupError(f"{'.'.join(path)} is {json.dumps(at, default=str)}, not a table")
    if not rest:
        return merge(at, {head: value}, path)
    inner = _put(at.get(head, {}), rest, value, (*path, head))
    return merge(at, {head: inner}, path) if path == ("task",) else {**at, head: inner}


def _put_in_array(at: list[Any], keys: list[str], value: Any, path: tuple[str, ...]) -> list[Any]:
    head, rest = keys[0], keys[1:]
    place = ".".join(path)
    if not head.isdecimal() or int(head) >= len(at):
        count = f"0 to {len(at) - 1}" if at else "but it is empty"
        raise LookupError(f"{place} is an array, whose items are named by number ({place}.N), {count}")
    number = int(head)
    item = at[number]
    if rest:
        value = _put(item, rest, value, (*path, head))
    elif isinstance(item, Mapping) and isinstance(value, Mapping):
        value = merge(item, value, (*path, head))
    return [*at[:number], value, *at[number + 1 :]]
