"""Scores of a finished transfer on held-out pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attrxfer.data import Data, Sets
from attrxfer.interfaces import Counterfactuals, Dataset, Metric
from attrxfer.transfer import Transfer


@dataclass(frozen=True)
class HeldOut:
    """Test inputs and what a transfer made of them: the implementation of ``interfaces.Evaluation``."""

    sources: NDArray[np.uint8]
    outputs: NDArray[np.uint8]
    truth: NDArray[np.uint8] | None
    rows: NDArray[np.int64]
    target: Mapping[str, bool]
    data: Data
    seed: int


def held_out(transfer: Transfer, dataset: Dataset, data: Data, sets: Sets, limit: int, seed: int) -> HeldOut | None:
    """Transfer up to ``limit`` test inputs, drawn from the seed (0: all); None when the data set has no test inputs."""
    rows = sets.test_input
    if limit and len(rows) > limit:
        rows = np.sort(np.random.default_rng(seed).choice(rows, limit, replace=False))
    if not len(rows):
        return None
    sources = data.pictures(rows)
    truth = None
    if isinstance(dataset, Counterfactuals):
        truth = dataset.counterfactual(rows.tolist(), {name: float(value) for name, value in transfer.guided.items()})
    return HeldOut(sources, transfer.pictures(sources), truth, rows, transfer.guided, data, seed)


def evaluate(evaluation: HeldOut, metrics: Sequence[Metric]) -> dict[str, float]:
    """All numbers of all metrics, with "pictures" (how many) and "people" (how many identities, where known)."""
    scores: dict[str, float] = {"pictures": len(evaluation.rows)}
    identity = evaluation.data.records.identity
    if identity is not None:
        scores["people"] = len(np.unique(identity[evaluation.rows]))
    for metric in metrics:
        scores.update(metric(evaluation))
    return scores
