"""Scores of several seeds as one: means, with intervals over people and over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from attrxfer.evaluation.scores import DRAWS


@dataclass(frozen=True)
class SeedScores:
    """The scores of one seed, as JSON keeps them.

    Attributes:
        scores: {label: {value, low, high, n, unit, better, role}}.
        per_image: The numbers of each image, by label, where a score has them; None where an image has none.
        people: The person in each image.
    """

    scores: Mapping[str, Mapping[str, Any]]
    per_image: Mapping[str, Sequence[float | None]]
    people: Sequence[int]


def over_seeds(seeds: Sequence[SeedScores]) -> dict[str, dict[str, Any]]:
    """The mean of every score that all seeds have, in the form of a scorecard.

    Where a score has a number for each image, the interval is a bootstrap over people, and over seeds where there are several.
    Other scores have Student's interval over seeds, and with one seed their own.
    """
    first = seeds[0]
    common = [label for label in first.scores if all(label in seed.scores for seed in seeds)]
    return {label: _mean(label, seeds) for label in common}


def _mean(label: str, seeds: Sequence[SeedScores]) -> dict[str, Any]:
    own = [seed.scores[label] for seed in seeds]
    values = [score["value"] for score in own]
    if len(seeds) == 1 or any(value is None for value in values):
        return dict(own[0]) if len(seeds) == 1 else {**_bare(own[0]), "value": None}
    if all(label in seed.per_image for seed in seeds):
        numbers = [[np.nan if value is None else value for value in seed.per_image[label]] for seed in seeds]
        mean, low, high = interval(numbers, [seed.people for seed in seeds])
    else:
        from scipy.stats import t as student

        mean = float(np.mean(values))
        reach = float(student.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / len(values) ** 0.5)
        low, high = mean - reach, mean + reach
    return {**_bare(own[0]), "value": mean, "low": low, "high": high}


def _bare(score: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in score.items() if key not in ("value", "low", "high")}


def interval(values: Sequence[Sequence[float]], people: Sequence[Sequence[int]]) -> tuple[float, float, float]:
    """Mean and 95% interval of numbers an image, given for each seed: bootstrap over people, and over seeds where there
    are several.

    Args:
        values: The numbers of each seed; NaN where an image has none.
        people: The person in each image, of each seed.
    """
    random = np.random.default_rng(0)
    names, flat = np.unique(np.concatenate([np.asarray(who) for who in people]), return_inverse=True)
    seeds = np.repeat(np.arange(len(values)), [len(who) for who in people])
    numbers = np.concatenate([np.asarray(own, float) for own in values])
    known = np.isfinite(numbers)
    sums, sizes = np.zeros((2, len(values), len(names)))
    np.add.at(sums, (seeds[known], flat[known]), numbers[known])
    np.add.at(sizes, (seeds[known], flat[known]), 1)

    # the same people for every seed: they are one held-out set
    times = random.multinomial(len(names), np.full(len(names), 1 / len(names)), DRAWS)
    chosen = random.integers(0, len(values), (DRAWS, len(values)))
    with np.errstate(invalid="ignore"):
        whole = float(np.nanmean(sums.sum(1) / sizes.sum(1)))
        means = (times @ sums.T) / (times @ sizes.T)  # a row for each draw, a column for each seed
        low, high = np.nanpercentile(np.nanmean(np.take_along_axis(means, chosen, 1), 1), [2.5, 97.5])
    return whole, float(low), float(high)
