"""The sets of a task: all, guided (with the attributes), input (to be transferred)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attrxfer.data.dataset import CachedDataset
from attrxfer.errors import DataError

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Sets:
    """Row numbers. all, guided, input: of the training split; the others: inputs held out."""

    all: Rows
    guided: Rows
    input: Rows
    validation_input: Rows
    test_input: Rows

    def shown(self, count: int) -> Rows:
        """At most ``count`` inputs for sample grids: held out, else of the training split; spread out, since neighbouring
        rows often show one person."""
        rows = next(rows for rows in (self.validation_input, self.test_input, self.input) if len(rows))
        return rows[np.linspace(0, len(rows) - 1, min(len(rows), count)).astype(int)]


def make_sets(
    data: CachedDataset, guided: Mapping[str, bool], source: Mapping[str, bool] | None, max_inputs: int, seed: int
) -> Sets:
    """``source`` are the conditions of the input set; None takes every image that is not guided. The training inputs are
    a random choice of ``max_inputs`` (0: all) that depends on the seed alone.

    Raises DataError for an unknown attribute or an empty guided or input set, with the counts to choose from.
    """
    has = data.satisfies(guided)
    takes = ~has if source is None else data.satisfies(source) & ~has

    def inputs(split: str) -> Rows:
        rows = data.rows(split, None)
        return rows[takes[rows]]

    train = data.rows("train", None)
    sets = {"guided": train[has[train]], "input": inputs("train")}
    for name, rows in sets.items():
        if not len(rows):
            wanted = guided if name == "guided" else source or f"not {dict(guided)}"
            raise DataError(f"task.{name}: no training image meets {wanted}; the data are:\n{data.describe()}")
    if max_inputs and len(sets["input"]) > max_inputs:
        chosen = np.random.default_rng(seed).choice(sets["input"], max_inputs, replace=False)
        sets["input"] = np.sort(chosen)
    return Sets(train, sets["guided"], sets["input"], inputs("validation"), inputs("test"))
