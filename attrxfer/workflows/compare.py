"""Recipes and finished runs side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attrxfer.errors import AttrxferError
from attrxfer.model.bundle import find, read_metadata
from attrxfer.plugin.host import Host
from attrxfer.recipe import differences, load, shown


@dataclass(frozen=True)
class Compared:
    """Finished runs side by side.

    Attributes:
        settings: A table of the settings in which their recipes differ: a head, then a row a setting with its value in each.
        scores: {run: {label: score}}.
    """

    settings: list[tuple[str, ...]]
    scores: Mapping[str, Mapping[str, Mapping[str, Any]]]


def runs(paths: Sequence[Path]) -> Compared:
    """Compare bundles or finished runs, by what their bundles hold.

    Raises:
        BundleError: One of them is neither a bundle nor a finished run.
    """
    metadata = {str(path): read_metadata(find(path)) for path in paths}
    first, *others = metadata.values()
    changed = [{key: (here, there) for key, here, there in differences(first["recipe"], other["recipe"])} for other in others]
    rows = [("SETTING", *metadata)]
    for key in dict.fromkeys(key for changes in changed for key in changes):
        own = next(changes[key][0] for changes in changed if key in changes)
        rows.append((key, shown(own), *(shown(changes[key][1] if key in changes else own) for changes in changed)))
    return Compared(rows, {name: one["scores"].get("scores", {}) for name, one in metadata.items()})


def recipes(name: str, other: str | None, host: Host, overrides: Sequence[str] = ()) -> list[tuple[str, str, str]]:
    """Compare two recipes.

    Args:
        name: A recipe's file or registered name.
        other: Another one; None: the recipe that the first names as its reference.
        host: The plugins.
        overrides: Settings "A.B=C" that change the first.

    Returns:
        A head, then (setting, value in ``name``, value in ``other``) for each difference.

    Raises:
        AttrxferError: A recipe is unknown or invalid, or the first names no reference.
    """
    first = load(name, host, overrides)
    other = other or first.reference
    if other is None:
        raise AttrxferError(f"{name}: this recipe has no reference; name the other recipe: attrxfer recipe diff {name} OTHER")
    rows = differences(first.filled(), load(other, host).filled())
    return [("SETTING", name, other), *((key, shown(here), shown(there)) for key, here, there in rows)]
