"""The anchors of every scorecard: what costs nothing, and what would be perfect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from attrxfer.interfaces import Counterfactuals

Pictures = NDArray[np.uint8]
Rows = NDArray[np.int64]
STRIDE, CHUNK = 4, 1024


class InputCopy:
    """Nothing is changed: perfect identity, no success."""

    anchor: ClassVar[bool] = True

    def __call__(self, data: Any, target: Mapping[str, bool], rows: Rows) -> Pictures:
        return data.pictures(rows)


class NearestGuided:
    """The training picture with the attribute that has the least squared distance to the input, both seen at a quarter of
    their size: perfect success, somebody else."""

    anchor: ClassVar[bool] = True

    def __call__(self, data: Any, target: Mapping[str, bool], rows: Rows) -> Pictures | None:
        guided = data.rows("train", target)
        if not len(guided):
            return None
        known, wanted = (_small(data, chosen) for chosen in (guided, rows))
        distance = np.square(known).sum(1)[None] - 2 * wanted @ known.T
        return data.pictures(guided[distance.argmin(1)])


class AnotherPhoto:
    """The next test picture of the same person: what a measure of identity should accept. Drawn people have the truth
    instead."""

    anchor: ClassVar[bool] = True

    def __call__(self, data: Any, target: Mapping[str, bool], rows: Rows) -> Pictures | None:
        return _beside(data, rows, same=True)


class Stranger:
    """The next test picture of another person: what a measure of identity should refuse."""

    anchor: ClassVar[bool] = True

    def __call__(self, data: Any, target: Mapping[str, bool], rows: Rows) -> Pictures | None:
        return _beside(data, rows, same=False)


class Truth:
    """The same person drawn with the attribute: what no transfer can beat."""

    anchor: ClassVar[bool] = True

    def __call__(self, data: Any, target: Mapping[str, bool], rows: Rows) -> Pictures | None:
        found: Pictures | None = data.truth(rows, target)
        return found


def _small(data: Any, rows: Rows) -> NDArray[np.float32]:
    """Every fourth pixel across and down of these rows, flat; read in chunks, since the training split may be large."""
    chunks = [data.pictures(rows[i : i + CHUNK])[:, ::STRIDE, ::STRIDE] for i in range(0, len(rows), CHUNK)]
    return np.concatenate(chunks).reshape(len(rows), -1).astype(np.float32)


def _beside(data: Any, rows: Rows, *, same: bool) -> Pictures | None:
    """For each row the next test picture after it that shows the same person, or another one; the row itself where there
    is none. None where people are unknown, or drawn."""
    identity, test = data.records.identity, data.rows("test", None)
    if identity is None or isinstance(data.dataset, Counterfactuals):
        return None
    found = []
    for row in rows:
        own = test[(identity[test] == identity[row]) == same]
        found.append(own[np.searchsorted(own, row, side="right") % len(own)] if len(own) else row)
    return data.pictures(np.array(found))
