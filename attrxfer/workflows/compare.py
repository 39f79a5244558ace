"""Recipes and models side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attrxfer.errors import AttrxferError
from attrxfer.model.loading import locate, metadata_at
from attrxfer.plugin.host import Host
from attrxfer.recipe import differences, load, shown


@dataclass(frozen=True)
class Compared:
    """Models side by side.

    Attributes:
        recipes: {model: its filled recipe}.
        scores: {model: {label: score}}.
    """

    recipes: Mapping[str, Mapping[str, Any]]
    scores: Mapping[str, Mapping[str, Mapping[str, Any]]]

    @property
    def settings(self) -> list[tuple[str, ...]]:
        """The settings in which their recipes differ: a head, then a row a setting with its value in each."""
        return setting_table(self.recipes)

    @property
    def changed(self) -> dict[str, dict[str, Any]]:
        """{setting: {model: value}} of these settings; None where a recipe has no such setting."""
        return {key: dict(zip(self.recipes, values, strict=True)) for key, values in changed_settings(self.recipes)}

    def write(self, folder: Path) -> None:
        """Write scores.json, scores.csv, scores.tex, table.md and page.html, with the samples of runs side by side.

        Args:
            folder: Where to write.

        Raises:
            DataError: The samples of a run cannot be read.
        """
        from attrxfer.report.comparison import Comparison  # imports torch
        from attrxfer.report.samples import strips

        runs = {name: Path(name) for name in self.scores}
        images = strips(runs)
        notes = [
            "Each model's scores are those that it was saved with, maybe on other images: attrxfer evaluate scores all on the "
            "same."
        ]
        shown_here = {label for _, rows in images for label, _ in rows}
        if without := [name for name in runs if name not in shown_here]:
            notes.append(f"Without sample images, which only the folder of a run has: {', '.join(without)}.")
        title = " · ".join(Path(name).name for name in self.scores)
        Comparison(title, self.scores, list(self.scores), self.settings, images, notes).write(folder)


def models(names: Sequence[str], host: Host) -> Compared:
    """Compare models by what they know of themselves; nothing is scored.

    Args:
        names: Bundles, finished runs, exported files and shipped models by name.
        host: The plugins.

    Raises:
        AttrxferError: One of them is none of these, or is a method, which has no recipe.
    """
    metadata = {name: _metadata(name, host) for name in names}
    scores = {name: one.get("scores", {}).get("scores", {}) for name, one in metadata.items()}
    return Compared({name: one["recipe"] for name, one in metadata.items()}, scores)


def changed_settings(recipes: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, list[Any]]]:
    """The settings in which filled recipes differ, each with its value in every recipe; None where one has no such setting."""
    first, *others = recipes.values()
    changed = [{key: (here, there) for key, here, there in differences(first, other)} for other in others]
    found = []
    for key in dict.fromkeys(key for changes in changed for key in changes):
        own = next(changes[key][0] for changes in changed if key in changes)
        found.append((key, [own, *(changes[key][1] if key in changes else own for changes in changed)]))
    return found


def setting_table(recipes: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """The same as a table: a head, then a row a setting."""
    return [("SETTING", *recipes), *((key, *map(shown, values)) for key, values in changed_settings(recipes))]


def _metadata(name: str, host: Host) -> Mapping[str, Any]:
    place = locate(name, host)
    if isinstance(place, str):
        raise AttrxferError(f"{name}: a method has neither a recipe nor scores: attrxfer evaluate scores it beside models")
    return metadata_at(place, host)


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
