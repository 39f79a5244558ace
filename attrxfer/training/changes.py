"""What was changed between a run's beginning and its resumption: its recipe.toml, the images, or their labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrxfer.data import CachedDataset, labels_key
from attrxfer.errors import InvalidRecipe
from attrxfer.recipe import Recipe, differences, shown
from attrxfer.recipe.parsing import parse

NAMED = 5
"""Edited settings that are named, at most."""


def begun_with(recipe: Recipe, data: CachedDataset) -> dict[str, Any]:
    """What run.json keeps of a run's beginning."""
    return {
        "recipe": recipe.filled(),
        "images": data.key,
        "labels": labels_key(data.records, data.usable),
        "data": data.describe(),
    }


def edited_settings(recipe: Recipe, info: Mapping[str, Any]) -> str:
    """The settings that were edited since the run began, as "train.lr: 0.1 -> 0.2"; empty where there are none, or nothing is
    known of the beginning. Metrics, which do not train, may be edited."""
    if not isinstance(info.get("recipe"), Mapping):
        return ""
    before = _filled(info["recipe"], recipe)
    changed = [one for one in differences(before, recipe.filled()) if not one[0].startswith("metric")]
    named = [f"{key}: {shown(before)} -> {shown(now)}" for key, before, now in changed[:NAMED]]
    return ", ".join([*named, *([f"{len(changed) - NAMED} more"] if len(changed) > NAMED else [])])


def _filled(table: Mapping[str, Any], recipe: Recipe) -> Mapping[str, Any]:
    """A recipe's table with the settings that did not exist when it was written; as it is where it can no longer be read."""
    try:
        return parse(table, recipe.registry, recipe.source, ()).filled()
    except InvalidRecipe:
        return table


def changed_images(data: CachedDataset, info: Mapping[str, Any]) -> str:
    """That the images or their labels are others than when the run began, in a line; empty where they are not, or nothing is
    known."""
    if info.get("images") in (None, data.key):
        if info.get("labels") in (None, labels_key(data.records, data.usable)):
            return ""
        return "the splits, people or attributes of the images are not those that the run began with"
    then, now = (str(text).partition("\n")[0] for text in (info.get("data", ""), data.describe()))
    return f"the images are not those that the run began with (then {then}; now {now})"
