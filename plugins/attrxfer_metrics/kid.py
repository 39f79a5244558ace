"""KID: how far results are from real pictures that have the attribute, as sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from attrxfer.interfaces import Evaluation, Features, Whole
from attrxfer.transfer import to_images
from attrxfer_metrics.classifier import Judged

PER = 1000
"""KID is printed times a thousand, as is usual."""
LIMIT, BATCH = 1000, 64
"""Real pictures that results are held against, at most; pictures that are read at once."""


class Kid(Judged):
    """Kernel inception distance (Binkowski et al. 2018, arXiv:1801.01401) times 1000 between results and real test pictures
    that have the target attributes, and the Frechet distance on the same features: lower is better.

    Both are on the features of the judge, so numbers of different data sets cannot be compared; or on the last map of
    ``features``, averaged over its places (Inception's for example, use = "timm", which makes them KID and FID), of
    pictures brought to ``resize`` pixels by antialiased bicubic resampling, as clean-fid does (0: as they are).
    """

    def __init__(
        self,
        *,
        features: Features | None = None,
        resize: Annotated[int, Field(ge=0)] = 0,
        network: str = "test_resnet",
        steps: Annotated[int, Field(ge=1)] = 500,
        batch: Annotated[int, Field(ge=2)] = 64,
        rate: Annotated[float, Field(gt=0)] = 3e-3,
    ) -> None:
        super().__init__(network=network, steps=steps, batch=batch, rate=rate)
        self.features = features
        self.resize = resize

    def __call__(self, evaluation: Evaluation) -> Mapping[str, Whole]:
        """ "KID" and "Frechet distance"; empty where fewer than two real test pictures have the attributes, or fewer than
        two people are in the inputs."""
        rows = evaluation.data.rows("test", evaluation.target)
        if min(len(rows), len(np.unique(evaluation.people))) < 2:
            return {}
        rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), LIMIT)).astype(int)]
        read = self._reader(evaluation)
        real, results = read(evaluation.data.pictures(rows)), read(evaluation.outputs)
        value, low, high = interval([results], real, [evaluation.people])
        return {
            "KID": Whole(value, len(results), low, high, better="lower"),
            "Frechet distance": Whole(frechet(results, real), len(results), better="lower"),
        }

    def _reader(self, evaluation: Evaluation) -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
        if self.features is None:
            return self.classifier(evaluation.data, evaluation.seed).features
        network = self.features

        def read(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
            side = (self.resize or pictures.shape[1],) * 2
            parts = []
            for start in range(0, len(pictures), BATCH):
                chunk = [Image.fromarray(p).resize(side, Image.Resampling.BICUBIC) for p in pictures[start : start + BATCH]]
                with torch.no_grad():
                    parts.append(network(to_images(np.stack([np.asarray(p) for p in chunk])))[-1].float().mean((2, 3)))
            return torch.cat(parts).numpy()

        return read


def frechet(results: NDArray[np.floating], real: NDArray[np.floating]) -> float:
    """The Frechet distance of two Gaussians with the means and covariances of features (N, C) and (M, C); on Inception's
    features it is called FID. It is biased upwards for few pictures.

    >>> rows = np.random.default_rng(0).normal(size=(5000, 3))
    >>> abs(frechet(rows + 2.0, rows) - 3 * 2.0**2) < 1e-6
    True
    """
    means = results.mean(0, dtype=np.float64) - real.mean(0, dtype=np.float64)
    one, other = np.cov(results.astype(np.float64), rowvar=False), np.cov(real.astype(np.float64), rowvar=False)
    roots = np.sqrt(np.linalg.eigvals(one @ other).real.clip(0))
    return float(means @ means + np.trace(one) + np.trace(other) - 2 * roots.sum())


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
        pairs = weights @ apart @ weights
        if not pairs:
            return np.nan  # one person drawn over and over
        return float(weights @ within @ weights / pairs - 2 * weights @ across / weights.sum() + within_real)

    def drawn(seed: int) -> float:
        everyone = int(seeds[seed][3].max()) + 1
        return estimate(seed, np.bincount(random.integers(0, everyone, everyone), minlength=everyone).astype(float))

    whole = [estimate(seed, np.ones(int(seeds[seed][3].max()) + 1)) for seed in range(len(seeds))]
    means = [np.mean([drawn(seed) for seed in random.integers(0, len(seeds), len(seeds))]) for _ in range(draws)]
    low, high = np.nanpercentile(means, [2.5, 97.5]) if draws else (np.nan, np.nan)
    return PER * float(np.mean(whole)), PER * float(low), PER * float(high)
