"""Scorecards: scores of results for held-out images, with intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attrxfer.data import CachedDataset
from attrxfer.interfaces import AggregateScore, GroupsImages, Metric, Model, PerImageScore, Role

DRAWS = 1000
FEW = 10
"""Slices of fewer people are not scored."""
SLICED: tuple[Role, ...] = ("attribute accuracy", "verification rate", "truth")
"""Roles of the scores that are shown by other attributes."""
Images = NDArray[np.uint8]


@dataclass(frozen=True, repr=False)
class HeldOutResults:
    """Held-out inputs and results for them: the implementation of ``interfaces.Evaluation``."""

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

    def __repr__(self) -> str:
        return f"HeldOutResults({_images_of(self)})"


@dataclass(frozen=True, repr=False)
class HeldOutInputs:
    """The N held-out inputs of a task, the same for every candidate.

    Attributes:
        data: The data set.
        rows: Their row numbers (N,).
        sources: The images, uint8 (N, S, S, 3).
        people: The person in each (N,).
        truth: The same subjects with the target attributes, uint8 (N, S, S, 3); None where the data set cannot draw them.
        target: The attributes that results should have.
        seed: The run's seed.
    """

    data: CachedDataset
    rows: NDArray[np.int64]
    sources: Images
    people: NDArray[np.int64]
    truth: Images | None
    target: Mapping[str, bool]
    seed: int

    def __repr__(self) -> str:
        return f"HeldOutInputs({_images_of(self)})"

    def results(self, outputs: Images, model: Model | None = None, picked: NDArray[np.int64] | None = None) -> HeldOutResults:
        """These inputs with results for them.

        Args:
            outputs: The results, uint8 (N, S, S, 3).
            model: What made them, where it is known.
            picked: Row numbers (N,) of the results, where they are images of the data set.
        """
        return HeldOutResults(
            self.sources, outputs, self.truth, self.rows, self.people, self.target, self.data, model, self.seed, picked
        )


def _images_of(held: HeldOutInputs | HeldOutResults) -> str:
    count, side = held.sources.shape[:2]
    return f"{count} images of {side} px, {len(np.unique(held.people))} people, target {dict(held.target)}"


def inputs(
    data: CachedDataset, rows: NDArray[np.int64], target: Mapping[str, bool], limit: int, seed: int
) -> HeldOutInputs | None:
    """Held-out inputs.

    Args:
        data: The data set.
        rows: The rows to choose from.
        target: The attributes that results should have.
        limit: At most so many, a random choice; 0: all.
        seed: Seed of the choice.

    Returns:
        The inputs; None where there are no rows.
    """
    if limit and len(rows) > limit:
        rows = np.sort(np.random.default_rng(seed).choice(rows, limit, replace=False))
    if not len(rows):
        return None
    identity = data.records.identity
    people = identity[rows] if identity is not None else np.arange(len(rows))
    return HeldOutInputs(data, rows, data.images_u8(rows), people, data.truth(rows, target), target, seed)


# ---------------------------------------------------------------- scores


@dataclass(frozen=True, repr=False)
class Scorecard:
    """The scores of one candidate.

    Attributes:
        name: The candidate's name.
        outputs: Its results, uint8 (N, S, S, 3).
        scores: Scores by label, as JSON takes them: {value, low, high, n, unit, better, role}.
        per_image: The numbers (N,) of each image, by label, where a score has them.
        metrics: Which metric each label is from.
    """

    name: str
    outputs: Images
    scores: dict[str, dict[str, Any]]
    per_image: dict[str, NDArray[np.float64]]
    metrics: dict[str, Metric] = field(default_factory=dict)

    def __repr__(self) -> str:
        values = {label: score["value"] for label, score in self.scores.items()}
        shown = ", ".join(f"{label} {'-' if value is None else format(value, '.4g')}" for label, value in values.items())
        return f"Scorecard({self.name!r}, {len(self.outputs)} images: {shown or 'no scores'})"

    def label(self, role: Role) -> str | None:
        """The label of the first score with this role; None where there is none."""
        return next(iter(labels(self.scores, role)), None)


def labels(scores: Mapping[str, Mapping[str, Any]], role: Role) -> list[str]:
    """Labels of the scores with this role, in their order."""
    return [label for label, value in scores.items() if value.get("role") == role]


def score(name: str, evaluation: HeldOutResults, metrics: Sequence[Metric]) -> Scorecard:
    """The scores of all metrics, for the results of one candidate."""
    scores: dict[str, dict[str, Any]] = {}
    per_image: dict[str, NDArray[np.float64]] = {}
    origin: dict[str, Metric] = {}
    for metric in metrics:
        for label, value in metric(evaluation).items():
            origin[label] = metric
            if isinstance(value, AggregateScore):
                scores[label] = as_json(value)
            else:
                per_image[label] = np.asarray(value.values, np.float64)
                scores[label] = as_json(mean(value, evaluation.people))
    return Scorecard(name, evaluation.outputs, scores, per_image, origin)


def mean(score: PerImageScore, people: NDArray[np.int64], draws: int = DRAWS) -> AggregateScore:
    """The mean of a number for each image.

    Args:
        score: Numbers (N,); images with NaN are left out.
        people: The person in each image (N,).
        draws: Bootstrap draws of people.

    Returns:
        The mean with its 95% bootstrap interval over people (no interval for one person).
    """
    known = np.isfinite(score.values)
    values, who = np.asarray(score.values, np.float64)[known], np.unique(people[known], return_inverse=True)[1]
    unit, better, role = score.unit, score.better, score.role
    if not len(values):
        return AggregateScore(float("nan"), 0, unit=unit, better=better, role=role)
    count = int(who.max()) + 1
    if count < 2:  # no interval over people can be drawn from one
        return AggregateScore(float(values.mean()), len(values), unit=unit, better=better, role=role)
    sums, sizes = np.bincount(who, values), np.bincount(who)
    times = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), draws)
    low, high = np.percentile((times @ sums) / (times @ sizes), [2.5, 97.5])
    return AggregateScore(float(values.mean()), len(values), float(low), float(high), unit, better, role)


def as_json(score: AggregateScore) -> dict[str, Any]:
    """A score as JSON takes it; a value that is not finite becomes None."""
    bounds = {} if score.low is None else {"low": score.low, "high": score.high}
    value = score.value if np.isfinite(score.value) else None  # JSON has no NaN
    return {"value": value, **bounds, "n": score.n, "unit": score.unit, "better": score.better, "role": score.role}


def slices(
    scorecard: Scorecard, evaluation: HeldOutResults, roles: Sequence[Role] = SLICED
) -> dict[str, dict[str, dict[str, Any]]]:
    """Scores among the images that have, and that have not, each other attribute, and in each group that a metric makes.

    Args:
        scorecard: The scores of all images.
        evaluation: The results behind them.
        roles: For each of these roles, its first score that has a number for each image is sliced.

    Returns:
        {"Young": {label: score}, "not Young": ...}. Slices of fewer than ten people are left out.
    """
    chosen = [next((label for label in labels(scorecard.scores, role) if label in scorecard.per_image), None) for role in roles]
    sliced: dict[str, dict[str, dict[str, Any]]] = {}
    for name, inside in _groups(scorecard, evaluation):
        people = evaluation.people[inside]
        if len(np.unique(people)) >= FEW and inside.sum() < len(inside):
            sliced[name] = {}
            for label in chosen:
                if label is not None:
                    whole = scorecard.scores[label]
                    part = PerImageScore(scorecard.per_image[label][inside], whole["unit"], whole["better"], whole["role"])
                    sliced[name][label] = as_json(mean(part, people))
    return sliced


def _groups(scorecard: Scorecard, evaluation: HeldOutResults) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """The groups of the held-out images: which of them (N,) each one has."""
    for attribute, values in evaluation.data.records.attributes.items():
        if attribute not in evaluation.target:
            has = values[evaluation.rows]
            yield from ((attribute, has), (f"not {attribute}", ~has))
    for metric in {id(metric): metric for metric in scorecard.metrics.values()}.values():
        if isinstance(metric, GroupsImages):
            yield from metric.groups(evaluation.data, evaluation.rows).items()
