"""The anchors of every scorecard: what costs nothing, and what would be perfect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from attrxfer.interfaces import Counterfactuals

Pictures = NDArray[np.uint8]
Rows = NDArray[np.int64]
STRIDE = 4


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
        known, wanted = (data.pictures(r)[:, ::STRIDE, ::STRIDE].reshape(len(r), -1).astype(np.float32) for r in (guided, rows))
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
        if not isinstance(data.dataset, Counterfactuals):
            return None
        return data.dataset.counterfactual(rows.tolist(), {name: float(value) for name, value in target.items()})


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
