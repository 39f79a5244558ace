"""Batches and random numbers as functions of (seed, stage, key, index). Each process takes its slice of a batch.

There is no state of a sampler: a resumed run, and several processes, get the same batches as one uninterrupted process.
"""

from __future__ import annotations

import functools
import zlib

import numpy as np
from numpy.typing import NDArray


def _generator(seed: int, *keys: str | int) -> np.random.Generator:
    words = [zlib.crc32(key.encode()) if isinstance(key, str) else key for key in keys]
    return np.random.default_rng([seed, *words])


@functools.lru_cache(maxsize=16)
def _permutation(count: int, seed: int, stage: str, which: str, epoch: int) -> NDArray[np.int64]:
    permutation = _generator(seed, stage, which, epoch).permutation(count)
    permutation.setflags(write=False)
    return permutation


def batch_rows(
    rows: NDArray[np.int64], seed: int, stage: str, which: str, index: int, size: int, rank: int, world: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Draw the rows of a batch.

    A global batch has ``size * world`` images. Epochs are shuffled one after another, so every image occurs once in an
    epoch, even if the set is smaller than a batch.

    Args:
        rows: The rows of the set.
        seed: The run's seed.
        stage: Name of the stage.
        which: Name of the set.
        index: Number of the batch, from 0.
        size: Images in this process's slice of the batch.
        rank: Number of this process, from 0.
        world: Number of processes.

    Returns:
        Rows (size,), and for each whether it is mirrored (size,).
    """
    count = len(rows)
    positions = index * size * world + rank * size + np.arange(size)
    chosen = np.empty(size, np.int64)
    for epoch in np.unique(positions // count):
        inside = positions // count == epoch
        chosen[inside] = _permutation(count, seed, stage, which, int(epoch))[positions[inside] % count]
    flips = uniform(seed, stage, f"flip {which}", index, size, 1, rank, world)[:, 0] < 0.5
    return rows[chosen], flips


def uniform(seed: int, stage: str, key: str, index: int, size: int, columns: int, rank: int, world: int) -> NDArray[np.float32]:
    """Random numbers (size, columns) in 0..1 for this process's slice of a global batch.

    The arguments are those of ``batch_rows``; ``key`` names the purpose of the numbers.
    """
    numbers = _generator(seed, stage, key, index).random((size * world, columns), dtype=np.float32)
    return numbers[rank * size : (rank + 1) * size]
