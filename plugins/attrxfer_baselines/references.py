"""The reference rows of every scorecard: what costs nothing, and what would be perfect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from attrxfer.interfaces import SPLITS, Counterfactuals, DatasetView

Images = NDArray[np.uint8]
Rows = NDArray[np.int64]
STRIDE, CHUNK = 4, 1024


class Pick:
    """Real images instead of made ones."""

    reference: ClassVar[bool] = True

    def picks(self, data: DatasetView, target: Mapping[str, bool], rows: Rows) -> Rows | None:
        raise NotImplementedError

    def __call__(self, data: DatasetView, target: Mapping[str, bool], rows: Rows) -> Images | None:
        picked = self.picks(data, target, rows)
        return None if picked is None else data.images_u8(picked)


class InputCopy(Pick):
    """Nothing is changed: perfect identity, no attribute."""

    def picks(self, data: DatasetView, target: Mapping[str, bool], rows: Rows) -> Rows | None:
        return rows


class NearestGuided(Pick):
    """The training image with the attribute that has the least squared distance to the input, both seen at a quarter of
    their size: the attribute, but somebody else."""

    def picks(self, data: DatasetView, target: Mapping[str, bool], rows: Rows) -> Rows | None:
        guided = data.rows("train", target)
        if not len(guided):
            return None
        known, wanted = (_small(data, chosen) for chosen in (guided, rows))
        distance = np.square(known).sum(1)[None] - 2 * wanted @ known.T
        found: Rows = guided[distance.argmin(1)]
        return found


class AnotherPhoto(Pick):
    """The next image of the same person in the inputs' split: what a measure of identity should accept. Drawn people have
    the truth instead."""

    same_subject: ClassVar[bool] = True

    def picks(self, data: DatasetView, target: Mapping[str, bool], rows: Rows) -> Rows | None:
        return _beside(data, rows, same=True)


class Stranger(Pick):
    """The next image of another person in the inputs' split: what a measure of identity should refuse."""

    def picks(self, data: DatasetView, target: Mapping[str, bool], rows: Rows) -> Rows | None:
        return _beside(data, rows, same=False)


class Truth:
    """The same person drawn with the attribute: what no transfer can beat."""

    reference: ClassVar[bool] = True

    def __call__(self, data: DatasetView, target: Mapping[str, bool], rows: Rows) -> Images | None:
        return data.truth(rows, target)


def _small(data: DatasetView, rows: Rows) -> NDArray[np.float32]:
    """Every fourth pixel across and down of these rows, flat; read in chunks, since the training split may be large."""
    chunks = [data.images_u8(rows[i : i + CHUNK])[:, ::STRIDE, ::STRIDE] for i in range(0, len(rows), CHUNK)]
    return np.concatenate(chunks).reshape(len(rows), -1).astype(np.float32)


def _beside(data: DatasetView, rows: Rows, *, same: bool) -> Rows | None:
    """For each row the next image after it in its split that shows the same person, or another one; the row itself where
    there is none. None where there is none for any, and where people are unknown, or drawn."""
    identity = data.records.identity
    if identity is None or isinstance(data.dataset, Counterfactuals):
        return None
    found = []
    for row in rows:
        split = data.rows(SPLITS[data.records.split[row]], None)
        own = split[((identity[split] == identity[row]) == same) & (split != row)]
        found.append(own[np.searchsorted(own, row) % len(own)] if len(own) else row)
    picked = np.array(found, np.int64)
    return None if np.array_equal(picked, rows) else picked
