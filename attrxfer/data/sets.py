"""The sets of a task: all images, guided images (with the attributes), and inputs (to be transferred)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attrxfer.data.dataset import CachedDataset, describe, require_attributes, satisfies
from attrxfer.errors import DataError
from attrxfer.interfaces import SPLITS, Records, Selection, SetName

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Sets:
    """The sets of a task as row numbers.

    Attributes:
        all: All images of the training split.
        guided: Its images with the guided attributes.
        input: Its images that are transferred.
        validation_input: Inputs of the validation split.
        test_input: Inputs of the test split.
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
        """At most ``count`` inputs for sample images, from the validation split; from the next split that has inputs if not.

        They are evenly spread, since neighbouring rows often show one person.
        """
        rows = next(rows for rows in (self.validation_input, self.test_input, self.input) if len(rows))
        return rows[np.linspace(0, len(rows) - 1, min(len(rows), count)).astype(int)]


def check_task(
    records: Records,
    guided: Mapping[str, bool],
    source: Mapping[str, bool] | None,
    selection: Selection | None,
    read: Mapping[str, Collection[str]],
) -> None:
    """Check a task against the labels, before any image is decoded.

    Args:
        records: The labels.
        guided: Attributes that results should have.
        source: Conditions of the input set; None takes every image that is not guided.
        selection: Decides which images are used; None uses all.
        read: Names of the attributes that components read, by the component's place in the recipe.

    Raises:
        DataError: Attributes are unknown, or the guided or input set has no training image.
    """
    require_attributes(records, {"task": {**guided, **(source or {})}, **read})
    selected = selection.keep(records) if selection is not None else np.ones(len(records), bool)
    _train_sets(records, selected, guided, source)


def make_sets(
    data: CachedDataset,
    guided: Mapping[str, bool],
    source: Mapping[str, bool] | None,
    max_inputs: int,
    seed: int,
    *,
    max_guided: int = 0,
) -> Sets:
    """The sets of a task.

    Args:
        data: The opened data set.
        guided: Attributes that results should have.
        source: Conditions of the input set; None takes every image that is not guided.
        max_inputs: Size of a random choice of the training inputs, which depends on the seed only; 0 takes all.
        seed: The run's seed.
        max_guided: Size of a random choice of the guided images; 0 takes all.

    Raises:
        DataError: An attribute is unknown, or the guided or input set is empty; the message has the counts.
    """
    train, chosen, inputs = _train_sets(data.records, data.usable, guided, source)
    is_input = _is_input(data.records, guided, source)
    chosen, inputs = (_at_most(rows, most, seed) for rows, most in ((chosen, max_guided), (inputs, max_inputs)))
    held_out = (data.rows(split, None) for split in ("validation", "test"))
    return Sets(train, chosen, inputs, *(rows[is_input[rows]] for rows in held_out))


def _at_most(rows: Rows, most: int, seed: int) -> Rows:
    """A random choice of rows, in their order; all of them where ``most`` is 0."""
    if not most or len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


FEW = 100
"""Training images with or without the attributes, below which hardly anything is learned."""


def shortcomings(data: CachedDataset, guided: Mapping[str, bool], source: Mapping[str, bool] | None) -> list[str]:
    """What makes the results or the scores of a task doubtful, in words: few training images, or none to score with.

    Args:
        data: The opened data set.
        guided: Attributes that results should have.
        source: Conditions of the input set; None takes every image that is not guided.
    """
    named = ", ".join(f"{name}={str(value).lower()}" for name, value in guided.items())
    found = []
    kinds = {f"with {named}": data.satisfies(guided), "that are to be transferred": _is_input(data.records, guided, source)}
    for split in SPLITS:
        rows = data.rows(split, None)
        for what, those in kinds.items():
            count = int(those[rows].sum())
            if split == "train" and count < FEW:
                found.append(f"only {count} training images {what}: expect a poor result; {FEW} are few")
            elif split != "train" and not count:
                lost = "scores on it cannot be told" if split == "test" else "samples come from another split"
                found.append(f"the {split} split has no images {what}: {lost}")
    return found


def _is_input(records: Records, guided: Mapping[str, bool], source: Mapping[str, bool] | None) -> NDArray[np.bool_]:
    """Bool (N,): which images the task transfers."""
    has = satisfies(records, guided)
    return ~has if source is None else satisfies(records, source) & ~has


def _train_sets(
    records: Records, usable: NDArray[np.bool_], guided: Mapping[str, bool], source: Mapping[str, bool] | None
) -> tuple[Rows, Rows, Rows]:
    """All, guided and input rows of the training split."""
    train = np.flatnonzero(usable & (records.split == SPLITS.index("train")))
    sets = {"guided": train[satisfies(records, guided)[train]], "input": train[_is_input(records, guided, source)[train]]}
    for name, rows in sets.items():
        if not len(rows):
            wanted = guided if name == "guided" else source or f"not {dict(guided)}"
            raise DataError(f"task.{name}: no training image meets {wanted}; the data are:\n{describe(records, usable)}")
    return train, sets["guided"], sets["input"]
