"""How a recipe is laid over the one it extends, and how ``--set`` changes it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

from attrxfer.errors import Problem, did_you_mean

SETTINGS = ("task", "train", "report")


def merge(parent: Mapping[str, Any], child: Mapping[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """Lay ``child`` over ``parent``, both below ``path``.

    Sections, [train.STAGE] tables and components' tables merge by key, but a changed ``use`` drops the parent's other keys.
    Arrays and values that happen to be tables (``guided = {...}``) replace. A child that changes ``guided`` and says nothing
    of ``input`` drops the parent's ``input``, which then is the complement of the new ``guided``.
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


def apply_override(table: Mapping[str, Any], override: str) -> tuple[dict[str, Any], Problem | None]:
    """Apply one ``a.b=c``: c is read as a TOML value, else taken as text. Tables of an array are named by their number.

    >>> apply_override({"train": {"size": 64}}, "train.size=128")
    ({'train': {'size': 128}}, None)
    """
    key, equals, text = override.partition("=")
    parts = [part.strip() for part in key.split(".")]
    if not equals or not all(parts):
        return dict(table), Problem("--set", f'"{override}" is not of the form a.b=value')
    child = _nest(table, parts, _value(text.strip()))
    if child is None:
        return dict(table), Problem(f"--set {key}", f"no such place{did_you_mean(parts[0], table)}")
    return merge(table, child, ()), None


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _nest(table: Any, parts: list[str], value: Any) -> Any:
    """``value`` at the place that ``parts`` name, as a table to merge; numbers reach into arrays, which are copied whole."""
    if not parts:
        return value
    head, rest = parts[0], parts[1:]
    if isinstance(table, list):
        if not head.isdigit() or int(head) >= len(table):
            return None
        item = _nest(table[int(head)], rest, value)
        if item is None:
            return None
        laid = merge(table[int(head)], item, ("component",)) if isinstance(item, dict) else item
        return [*table[: int(head)], laid, *table[int(head) + 1 :]]
    below = table.get(head, {}) if isinstance(table, Mapping) else None
    if below is None or (rest and not isinstance(below, list | Mapping)):
        return None
    inner = _nest(below, rest, value)
    return None if inner is None else {head: inner}
