"""The reference rows of every scorecard."""

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
    """Base of the methods whose results are real images."""

    reference: ClassVar[bool] = True

    def picks(self, data: DatasetView, target: Mapping[str, bool], rows: Rows) -> Rows | None:
        raise NotImplementedError

    def __call__(self, data: DatasetView, target: Mapping[str, bool], rows: Rows) -> Images | None:
        picked = self.picks(data, target, rows)
        return None if picked is None else data.images_u8(picked)


class InputCopy(Pick):
    """The input itself: perfect identity, without the attribute."""

    def picks(self, data: DatasetView, target: Mapping[str, bool], rows: Rows) -> Rows | None:
        return rows


class NearestGuided(Pick):
    """The training image with the attribute that is nearest to the input: the attribute, but another person.

    Nearest by squared distance, at a quarter of the size.
    """

    def picks(self, data: DatasetView, target: Mapping[str, bool], rows: Rows) -> Rows | None:
        guided = data.rows("train", target)
        if not len(guided):
            return None
        known, wanted = (_small(data, chosen) for chosen in (guided, rows))
        distance = np.square(known).sum(1)[None] - 2 * wanted @ known.T
        found: Rows = guided[distance.argmin(1)]
        return found


class AnotherPhoto(Pick):
    """The next image of the same person in the input's split, which a metric of identity should accept.

    It does not apply to drawn people, who have the exact truth.
    """

    same_subject: ClassVar[bool] = True

    def picks(self, data: DatasetView, target: Mapping[str, bool], rows: Rows) -> Rows | None:
        return _beside(data, rows, same=True)


class Stranger(Pick):
    """The next image of another person in the input's split, which a metric of identity should reject."""

    def picks(self, data: DatasetView, target: Mapping[str, bool], rows: Rows) -> Rows | None:
        return _beside(data, rows, same=False)


class Truth:
    """The exact counterfactual, the best possible result."""

    reference: ClassVar[bool] = True

    def __call__(self, data: DatasetView, target: Mapping[str, bool], rows: Rows) -> Images | None:
        return data.truth(rows, target)


def _small(data: DatasetView, rows: Rows) -> NDArray[np.float32]:
    """Every fourth pixel in x and y of these rows, flattened (N, C). Images are read in chunks to save memory."""
    chunks = [data.images_u8(rows[i : i + CHUNK])[:, ::STRIDE, ::STRIDE] for i in range(0, len(rows), CHUNK)]
    return np.concatenate(chunks).reshape(len(rows), -1).astype(np.float32)


def _beside(data: DatasetView, rows: Rows, *, same: bool) -> Rows | None:
    """For each row the next row of its split that shows the same person (``same``), or another person.

    The row itself if there is none. None if no row has one, or people are unknown or drawn.
    """
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
