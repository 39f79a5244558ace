"""KID: how far results are from real pictures that have the attribute, as sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from attrxfer.interfaces import Evaluation
from attrxfer_metrics.classifier import Judged

PER = 1000
"""KID is printed times a thousand, as is usual."""
LIMIT = 1000
"""Real pictures that results are held against, at most."""


class Kid(Judged):
    """Kernel inception distance (Binkowski et al. 2018, arXiv:1801.01401) times 1000 between results and real test pictures
    that have the target attributes, on the features of the judge instead of Inception's: lower is better, and numbers of
    different judges cannot be compared. The inputs' own stands beside it."""

    def __call__(self, evaluation: Evaluation) -> Mapping[str, float]:
        """ "KID" of results and "KID of the inputs"; empty where fewer than two real test pictures have the attributes."""
        rows = evaluation.data.rows("test", evaluation.target)
        if min(len(rows), len(evaluation.rows)) < 2:
            return {}
        rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), LIMIT)).astype(int)]
        judge = self.classifier(evaluation.data, evaluation.seed)
        real = judge.features(evaluation.data.pictures(rows))
        return {
            "KID": kid(judge.features(evaluation.outputs), real),
            "KID of the inputs": kid(judge.features(evaluation.sources), real),
        }


def kernel(one: NDArray[np.floating], other: NDArray[np.floating]) -> NDArray[np.float64]:
    """(x y / C + 1)^3 for features (N, C) and (M, C): (N, M)."""
    return (one.astype(np.float64) @ other.astype(np.float64).T / one.shape[1] + 1) ** 3


def kid(results: NDArray[np.floating], real: NDArray[np.floating]) -> float:
    """The unbiased estimate of KID times 1000 from features (N, C) and (M, C); it may be negative.

    >>> rows = np.random.default_rng(0).normal(size=(2000, 4))
    >>> abs(kid(rows[:1000], rows[1000:])) < 20 < kid(rows[:1000] + 1, rows[1000:])
    True
    """
    return interval([results], real, [np.arange(len(results))], draws=0)[0]


def interval(
    results: Sequence[NDArray[np.floating]], real: NDArray[np.floating], people: Sequence[NDArray[np.int64]], draws: int = 300
) -> tuple[float, float, float]:
    """KID times 1000 and its 95% bootstrap interval, over the seeds that ``results`` [(N, C)] came from and over ``people``
    [(N,)], who is in each result. Two pictures of one person are never compared: they are no independent draws."""
    count = len(real)
    own = kernel(real, real)
    within_real = (own.sum() - own.trace()) / (count * (count - 1))
    seeds = []
    for found, names in zip(results, people, strict=True):
        who = np.unique(names, return_inverse=True)[1]
        apart = who[:, None] != who
        seeds.append((kernel(found, found) * apart, apart.astype(float), kernel(found, real).mean(1), who))
    random = np.random.default_rng(0)

    def estimate(seed: int, times: NDArray[np.float64]) -> float:
        """KID where person i is counted ``times[i]`` times."""
        within, apart, across, who = seeds[seed]
        weights = times[who]
        return float(
            weights @ within @ weights / (weights @ apart @ weights) - 2 * weights @ across / weights.sum() + within_real
        )

    def drawn(seed: int) -> float:
        everyone = int(seeds[seed][3].max()) + 1
        return estimate(seed, np.bincount(random.integers(0, everyone, everyone), minlength=everyone).astype(float))

    whole = [estimate(seed, np.ones(int(seeds[seed][3].max()) + 1)) for seed in range(len(seeds))]
    means = [np.mean([drawn(seed) for seed in random.integers(0, len(seeds), len(seeds))]) for _ in range(draws)]
    low, high = np.percentile(means, [2.5, 97.5]) if draws else (np.nan, np.nan)
    return PER * float(np.mean(whole)), PER * float(low), PER * float(high)
