"""Checks of a labelled data set before training: correlated attributes and near-duplicates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
GRID = 4
"""The colours of GRID * GRID patches are compared."""
COLOUR = 32.0
"""Greatest mean difference of the patches' colours, 0..255, in which near-duplicates differ."""
CHUNK = 1024
"""Images, or rows of a comparison, that are held in memory at once."""


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


def patch_colours(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The mean colours of patches of images (N, S, S, 3), 0..255: (N, GRID * GRID * 3)."""
    edges = np.linspace(0, images.shape[1], GRID + 1).astype(int)
    sums = np.add.reduceat(np.add.reduceat(images.astype(np.float32), edges[:-1], axis=1), edges[:-1], axis=2)
    areas = np.diff(edges)[:, None] * np.diff(edges)[None]
    return (sums / areas[None, :, :, None]).reshape(len(images), -1).astype(np.float32)


def twins(data: CachedDataset) -> list[Twins]:
    """Near-duplicates among all usable images of all splits.

    Of images that are equal for both hash and colours, each is paired with the first of them only.
    """
    rows = np.flatnonzero(data.usable)
    bits = np.zeros((len(rows), HASH * HASH), np.uint8)
    colours = np.zeros((len(rows), GRID * GRID * 3), np.float32)
    for start in range(0, len(rows), CHUNK):
        images = data.images_u8(rows[start : start + CHUNK])
        bits[start : start + CHUNK], colours[start : start + CHUNK] = difference_hash(images), patch_colours(images)
    return [_twins(data, int(rows[i]), int(rows[j])) for i, j in near_pairs(bits, colours)]


def near_pairs(bits: NDArray[np.uint8], colours: NDArray[np.float32]) -> list[tuple[int, int]]:
    """Pairs (i, j), i < j, of which at most NEAR bits differ, and the colours by at most COLOUR.

    Not every pair is compared: of two hashes that differ in at most NEAR bits, at least one of NEAR + 1 bands is equal.

    Args:
        bits: Hashes (N, HASH * HASH) of 0 and 1.
        colours: Colours (N, C) of the same images.
    """
    leaders, pairs = _equal(np.packbits(bits, axis=1), colours)
    found = {pair for band in range(NEAR + 1) for pair in _near_in_band(bits[leaders], colours[leaders], band)}
    return sorted([*pairs, *((int(leaders[i]), int(leaders[j])) for i, j in found)])


def _groups(keys: NDArray[np.uint8]) -> list[NDArray[np.int64]]:
    """Indices of equal rows of ``keys``, for each row that is there twice or more."""
    _, number, counts = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
    order = np.argsort(number.reshape(-1), kind="stable")
    parts = np.split(order, np.cumsum(counts)[:-1])
    return [part for part in parts if len(part) > 1]


def _equal(hashes: NDArray[np.uint8], colours: NDArray[np.float32]) -> tuple[NDArray[np.int64], list[tuple[int, int]]]:
    """The images that are the first of their kind, and a pair for each other one with the first that it equals."""
    first = np.ones(len(hashes), bool)
    pairs: list[tuple[int, int]] = []
    for group in _groups(hashes):
        left = group
        while len(left):
            same = np.abs(colours[left] - colours[left[0]]).mean(1) <= COLOUR
            pairs += [(int(left[0]), int(other)) for other in left[same][1:]]
            first[left[same][1:]] = False
            left = left[~same]
    return np.flatnonzero(first), pairs


def _near_in_band(bits: NDArray[np.uint8], colours: NDArray[np.float32], band: int) -> Iterator[tuple[int, int]]:
    """Near pairs among images with equal bits in a band: every (NEAR + 1)th bit, as neighbouring bits are alike."""
    for group in _groups(np.packbits(bits[:, band :: NEAR + 1], axis=1)):
        signs = bits[group].astype(np.float32) * 2 - 1
        for start in range(0, len(group), CHUNK):
            differing = (HASH * HASH - signs[start : start + CHUNK] @ signs.T) / 2
            for i, j in zip(*np.nonzero(differing <= NEAR), strict=True):
                one, other = int(group[start + i]), int(group[j])
                if one < other and np.abs(colours[one] - colours[other]).mean() <= COLOUR:
                    yield one, other


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
