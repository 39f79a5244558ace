"""Scorecards: what held-out images say of one or several transfers, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attrxfer.data import CachedDataset
from attrxfer.interfaces import AggregateScore, Metric, Model, PerImageScore

DRAWS = 1000
FEW = 10
"""A slice of fewer people than this is not scored."""
HEADLINE = "success at equal verification"
"""The score that stands first where it can be told: see ``headline.py``."""
Images = NDArray[np.uint8]


@dataclass(frozen=True)
class HeldOutResults:
    """Test inputs and what a transfer made of them: the implementation of ``interfaces.Evaluation``."""

    sources: Images
    outputs: Images
    truth: Images | None
    rows: NDArray[np.int64]
    people: NDArray[np.int64]
    target: Mapping[str, bool]
    data: CachedDataset
    model: Model | None
    seed: int
    picked: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class HeldOutInputs:
    """The held-out inputs of a task, which every candidate is given: rows of the data, images, people, exact truth where
    the data set can draw it."""

    data: CachedDataset
    rows: NDArray[np.int64]
    sources: Images
    people: NDArray[np.int64]
    truth: Images | None
    target: Mapping[str, bool]
    seed: int

    def results(self, outputs: Images, model: Model | None = None, picked: NDArray[np.int64] | None = None) -> HeldOutResults:
        """These inputs with somebody's results for them."""
        own = self.sources, outputs, self.truth, self.rows, self.people, self.target, self.data
        return HeldOutResults(*own, model, self.seed, picked)


def inputs(
    data: CachedDataset, rows: NDArray[np.int64], target: Mapping[str, bool], limit: int, seed: int
) -> HeldOutInputs | None:
    """Up to ``limit`` of these rows, drawn from the seed (0: all); None when there are none."""
    if limit and len(rows) > limit:
        rows = np.sort(np.random.default_rng(seed).choice(rows, limit, replace=False))
    if not len(rows):
        return None
    identity = data.records.identity
    people = identity[rows] if identity is not None else np.arange(len(rows))
    return HeldOutInputs(data, rows, data.images_u8(rows), people, data.truth(rows, target), target, seed)


# ---------------------------------------------------------------- scores


@dataclass(frozen=True)
class Scorecard:
    """What one candidate reached: scores by name as JSON takes them ({value, low, high, n, unit, better}), the numbers of
    each image (N,) behind those that have them, and which metric these are from."""

    name: str
    outputs: Images
    scores: dict[str, dict[str, Any]]
    each: dict[str, NDArray[np.float64]]
    by: dict[str, Metric] = field(default_factory=dict)


def score(name: str, evaluation: HeldOutResults, metrics: Sequence[Metric]) -> Scorecard:
    """All scores of all metrics."""
    scores: dict[str, dict[str, Any]] = {}
    each: dict[str, NDArray[np.float64]] = {}
    by: dict[str, Metric] = {}
    for metric in metrics:
        for label, found in metric(evaluation).items():
            if isinstance(found, AggregateScore):
                scores[label] = _written(found)
            else:
                each[label], by[label] = np.asarray(found.values, np.float64), metric
                scores[label] = _written(mean(found, evaluation.people))
    return Scorecard(name, evaluation.outputs, scores, each, by)


def mean(found: PerImageScore, people: NDArray[np.int64], draws: int = DRAWS) -> AggregateScore:
    """The mean of numbers an image with its 95% bootstrap interval over people (none for one person); images without a
    number are left out."""
    known = np.isfinite(found.values)
    values, who = np.asarray(found.values, np.float64)[known], np.unique(people[known], return_inverse=True)[1]
    if not len(values):
        return AggregateScore(float("nan"), 0, unit=found.unit, better=found.better)
    count = int(who.max()) + 1
    if count < 2:  # one person says nothing of others
        return AggregateScore(float(values.mean()), len(values), unit=found.unit, better=found.better)
    sums, sizes = np.bincount(who, values), np.bincount(who)
    times = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), draws)
    low, high = np.percentile((times @ sums) / (times @ sizes), [2.5, 97.5])
    return AggregateScore(float(values.mean()), len(values), float(low), float(high), found.unit, found.better)


def _written(found: AggregateScore) -> dict[str, Any]:
    bounds = {} if found.low is None else {"low": found.low, "high": found.high}
    value = found.value if np.isfinite(found.value) else None  # JSON has no NaN
    return {"value": value, **bounds, "n": found.n, "unit": found.unit, "better": found.better}


def slices(card: Scorecard, evaluation: HeldOutResults, names: Sequence[str]) -> dict[str, dict[str, dict[str, Any]]]:
    """The named scores of a card among images that have, and have not, each other attribute: {"Young": {score: ...},
    "not Young": ...}. Slices of fewer than ten people are left out."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for attribute, values in evaluation.data.records.attributes.items():
        if attribute in evaluation.target:
            continue
        has = values[evaluation.rows]
        for label, inside in ((attribute, has), (f"not {attribute}", ~has)):
            if len(np.unique(evaluation.people[inside])) >= FEW and inside.sum() < len(has):
                people = evaluation.people[inside]
                chosen = {
                    name: PerImageScore(card.each[name][inside], card.scores[name]["unit"])
                    for name in names
                    if name in card.each
                }
                found[label] = {name: _written(mean(each, people)) for name, each in chosen.items()}
    return found
