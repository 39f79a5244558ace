"""Checks of a labelled data set before training: correlated attributes and near-duplicates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from attrxfer.data import CachedDataset

STRONG = 0.3
"""Least |phi| of two attributes that are reported as correlated."""
HASH = 16
"""Side of the difference hash: HASH * HASH bits."""
NEAR = 16
"""Greatest number of bits in which near-duplicates differ."""
SAMPLE = 20000
"""Greatest number of images that are compared for duplicates."""


@dataclass(frozen=True)
class Confound:
    """Two correlated attributes.

    Attributes:
        first: Name of one.
        second: Name of the other.
        phi: Their correlation, -1..1.
        counts: How many images have both, only the first, only the second, neither.
    """

    first: str
    second: str
    phi: float
    counts: tuple[int, int, int, int]


@dataclass(frozen=True)
class Twins:
    """Two rows whose images are nearly equal.

    Attributes:
        rows: The two rows.
        differ: Attributes in which their labels differ.
        other_person: Whether they are labelled as different people.
        other_split: Whether they are in different splits.
    """

    rows: tuple[int, int]
    differ: tuple[str, ...]
    other_person: bool
    other_split: bool


def confounds(attributes: Mapping[str, NDArray[np.bool_]], rows: NDArray[np.int64]) -> list[Confound]:
    """Pairs of attributes with |phi| of at least 0.3 among ``rows``, strongest first.

    Attributes that all or none of these rows have are left out.
    """
    pairs = []
    for first, second in combinations(attributes, 2):
        a, b = attributes[first][rows], attributes[second][rows]
        if a.all() or b.all() or not a.any() or not b.any():
            continue
        phi = float(np.corrcoef(a, b)[0, 1])
        if abs(phi) >= STRONG:
            counts = tuple(int(mask.sum()) for mask in (a & b, a & ~b, ~a & b, ~a & ~b))
            pairs.append(Confound(first, second, phi, counts))  # type: ignore[arg-type]
    return sorted(pairs, key=lambda pair: -abs(pair.phi))


def difference_hash(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The difference hash of images (N, S, S, 3): whether each patch is brighter than its left neighbour.

    Returns:
        0 or 1 for each pair of patches, (N, HASH * HASH).
    """
    grey = images.astype(np.float32).mean(-1)
    count, side = len(grey), grey.shape[1]
    rows = np.linspace(0, side, HASH + 1).astype(int)
    columns = np.linspace(0, side, HASH + 2).astype(int)
    patches = np.add.reduceat(np.add.reduceat(grey, rows[:-1], axis=1), columns[:-1], axis=2)
    patches /= np.diff(columns)[None, None]
    return (patches[:, :, 1:] > patches[:, :, :-1]).reshape(count, -1).astype(np.uint8)


def twins(data: CachedDataset) -> list[Twins]:
    """Near-duplicates among the first 20,000 usable images of all splits."""
    rows = np.flatnonzero(data.usable)[:SAMPLE]
    bits = difference_hash(data.images_u8(rows)).astype(np.float32) * 2 - 1
    pairs = []
    for start in range(0, len(rows), 1024):
        chunk = bits[start : start + 1024]
        differing_bits = (HASH * HASH - chunk @ bits.T) / 2
        for i, j in zip(*np.nonzero(differing_bits <= NEAR), strict=True):
            if start + i < j:
                pairs.append(_twins(data, int(rows[start + i]), int(rows[j])))
    return pairs


def _twins(data: CachedDataset, one: int, other: int) -> Twins:
    records = data.records
    differ = tuple(name for name, values in records.attributes.items() if values[one] != values[other])
    people = records.identity
    return Twins(
        (one, other),
        differ,
        people is not None and bool(people[one] != people[other]),
        bool(records.split[one] != records.split[other]),
    )
