"""Markdown: tables and conditions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; bars in cells are escaped.

    >>> print(table(("a", "b"), [("1", "x|y")]))
    | a | b |
    | --- | --- |
    | 1 | x\\|y |
    """
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def conditions(attributes: Mapping[str, bool]) -> str:
    """Attributes in the form of a recipe.

    >>> conditions({"Male": False, "Young": True})
    'Male = false, Young = true'
    """
    return ", ".join(f"{name} = {str(value).lower()}" for name, value in attributes.items())
