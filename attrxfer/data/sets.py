"""The sets of a task: all, guided (with the attributes), input (to be transferred)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attrxfer.data.dataset import CachedDataset, describe, require_attributes, satisfies
from attrxfer.errors import DataError
from attrxfer.interfaces import SPLITS, Records, Selection, SetName

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Sets:
    """Row numbers of a task's images.

    Attributes:
        all: The training split.
        guided: Of the training split, those with the guided attributes.
        input: Of the training split, those to transfer.
        validation_input: Those to transfer of the validation split.
        test_input: Those to transfer of the test split.
    """

    all: Rows
    guided: Rows
    input: Rows
    validation_input: Rows
    test_input: Rows

    def training(self, which: SetName) -> Rows:
        """One of the sets of the training split."""
        return {"all": self.all, "guided": self.guided, "input": self.input}[which]

    def shown(self, count: int) -> Rows:
        """At most ``count`` inputs for sample grids: held out, else of the training split; spread out, since neighbouring
        rows often show one person."""
        rows = next(rows for rows in (self.validation_input, self.test_input, self.input) if len(rows))
        return rows[np.linspace(0, len(rows) - 1, min(len(rows), count)).astype(int)]


def check_task(
    records: Records, guided: Mapping[str, bool], source: Mapping[str, bool] | None, selection: Selection | None
) -> None:
    """What ``make_sets`` refuses, as far as the labels alone show it, before any image is decoded.

    Raises:
        DataError: Unknown attributes, each named; or no training image is left for the guided or the input set.
    """
    require_attributes(records, {**guided, **(source or {})})
    selected = selection.keep(records) if selection is not None else np.ones(len(records), bool)
    _train_sets(records, selected, guided, source)


def make_sets(
    data: CachedDataset, guided: Mapping[str, bool], source: Mapping[str, bool] | None, max_inputs: int, seed: int
) -> Sets:
    """The sets of a task.

    Args:
        data: The opened data set.
        guided: Attributes that results should have.
        source: Conditions of the input set; None takes every image that is not guided.
        max_inputs: The training inputs are a random choice of so many, which depends on the seed alone; 0 takes all.
        seed: The run's seed.

    Raises:
        DataError: An unknown attribute, or an empty guided or input set, with the counts to choose from.
    """
    train, chosen, inputs = _train_sets(data.records, data.usable, guided, source)
    takes = _takes(data.records, guided, source)
    if max_inputs and len(inputs) > max_inputs:
        inputs = np.sort(np.random.default_rng(seed).choice(inputs, max_inputs, replace=False))
    held_out = (data.rows(split, None) for split in ("validation", "test"))
    return Sets(train, chosen, inputs, *(rows[takes[rows]] for rows in held_out))


def _takes(records: Records, guided: Mapping[str, bool], source: Mapping[str, bool] | None) -> NDArray[np.bool_]:
    """Which images (N,) the task transfers."""
    has = satisfies(records, guided)
    return ~has if source is None else satisfies(records, source) & ~has


def _train_sets(
    records: Records, usable: NDArray[np.bool_], guided: Mapping[str, bool], source: Mapping[str, bool] | None
) -> tuple[Rows, Rows, Rows]:
    """All, guided and input rows of the training split."""
    train = np.flatnonzero(usable & (records.split == SPLITS.index("train")))
    sets = {"guided": train[satisfies(records, guided)[train]], "input": train[_takes(records, guided, source)[train]]}
    for name, rows in sets.items():
        if not len(rows):
            wanted = guided if name == "guided" else source or f"not {dict(guided)}"
            raise DataError(f"task.{name}: no training image meets {wanted}; the data are:\n{describe(records, usable)}")
    return train, sets["guided"], sets["input"]
