"""Text for people who read Markdown, or a line of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, whatever bars its cells hold.

    >>> print(table(("a", "b"), [("1", "x|y")]))
    | a | b |
    | --- | --- |
    | 1 | x\\|y |
    """
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def conditions(attributes: Mapping[str, bool]) -> str:
    """Attributes as recipes write them.

    >>> conditions({"Male": False, "Young": True})
    'Male = false, Young = true'
    """
    return ", ".join(f"{name} = {str(value).lower()}" for name, value in attributes.items())
