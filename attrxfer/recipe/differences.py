"""Where two filled recipes differ."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def differences(table: Mapping[str, Any], other: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """The settings in which two filled recipes differ.

    The task's name, [report], the reference and the path of the data are left out: they change no result.

    Args:
        table: A filled recipe.
        other: Another one.

    Returns:
        (key, value in ``table``, value in ``other``) each; None where a recipe has no such key.

    >>> differences({"train": {"size": 64, "batch_size": 8}}, {"train": {"size": 128, "batch_size": 8}})
    [('train.size', 64, 128)]
    >>> differences({"identity": {"use": "a"}}, {"identity": [{"use": "a"}, {"use": "b"}]})
    [('identity.1.use', None, 'b')]
    """
    here, there = dict(_flat(_listed(table, other), ())), dict(_flat(_listed(other, table), ()))
    return [(key, here.get(key), there.get(key)) for key in {**here, **there} if here.get(key) != there.get(key)]


def _listed(table: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe in which a single loss stands in a list where the other recipe has a list."""
    return {
        name: [value] if isinstance(value, Mapping) and isinstance(other.get(name), list) and other[name] else value
        for name, value in table.items()
    }


def in_short(changed: Sequence[tuple[str, Any, Any]], most: int = 8) -> str:
    """Differences as one line: the components that T learns with, then the settings that all stages share, then how many more
    there are.

    Args:
        changed: What ``differences`` returns.
        most: How many are named.

    >>> in_short([("generator.use", "masked", "plain"), ("generator.width", 16, 32), ("train.size", 64, 128), ("a.b", 1, 2)])
    'generator masked (there plain), size 64 (there 128), 2 more settings'
    """
    components = [
        (key.removesuffix(".use"), a, b)
        for key, a, b in changed
        if key.endswith(".use") and not key.startswith(("metric.", "train."))
    ]
    outer = [part for part in components if not any(part[0].startswith(f"{other[0]}.") for other in components)]
    shared = [(key.removeprefix("train."), a, b) for key, a, b in changed if key.startswith("train.") and key.count(".") == 1]
    named = [*outer, *shared][:most]
    more = len(changed) - len(named)
    texts = [f"{key} {_bare(a)} (there {_bare(b)})" for key, a, b in named]
    return ", ".join([*texts, *([f"{more} more setting{'s'[: more > 1]}"] if more else [])])


def _bare(value: Any) -> str:
    return value if isinstance(value, str) else shown(value)


def shown(value: Any) -> str:
    """A setting's value as tables show it."""
    return "none" if value is None else json.dumps(value, ensure_ascii=False)


NO_DIFFERENCE = ("reference", "report", "task.name", "data.path")


def _flat(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    key = ".".join(path)
    if key in NO_DIFFERENCE:
        return
    if isinstance(value, Mapping) and value and key not in ("task.guided", "task.input"):
        for name, inner in value.items():
            yield from _flat(inner, (*path, name))
    elif isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value):
        for number, item in enumerate(value):
            yield from _flat(item, (*path, str(number)))
    elif value != []:
        yield key, value
