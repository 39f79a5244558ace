"""The data of a recipe's task."""

from __future__ import annotations

from typing import Any

from attrxfer.data import CachedDataset, Sets, make_sets, open_data
from attrxfer.plugin.parameters import build
from attrxfer.recipe import Recipe


def open_task(recipe: Recipe, memo: dict[str, Any] | None = None) -> tuple[CachedDataset, Sets]:
    """The opened data of a recipe, and the sets of its task; ``memo`` receives the components that were built for it.

    Raises DataError for data that cannot be used.
    """
    memo = {} if memo is None else memo
    dataset = build(recipe.data, memo)
    selection = build(recipe.selection, memo) if recipe.selection else None
    data = open_data(dataset, selection=selection, size=recipe.train.size)
    task = recipe.task
    return data, make_sets(data, task.guided, task.input, task.max_inputs, recipe.train.seed)
