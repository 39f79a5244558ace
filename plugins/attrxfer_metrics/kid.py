"""KID: how far results are from real images that have the attribute, as sets."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from attrxfer.interfaces import AggregateScore, Evaluation, Features
from attrxfer_metrics.classifier import DEFAULT, UsesClassifier
from attrxfer_metrics.inception import WHERE, Inception, resized

PER = 1000
"""KID is printed times a thousand, as is usual."""
LIMIT, BATCH = 1000, 64
"""Real images that results are held against, at most; images that are read at once."""


class Kid(UsesClassifier):
    """Kernel inception distance (Binkowski et al. 2018, arXiv:1801.01401) times 1000 between results and real test images
    that have the target attributes, and the Frechet distance on the same features: lower is better.

    By default both use the features of the attribute classifier, so numbers of different data sets cannot be compared.

    Args:
        inception: File of the original Inception network's weights; with it the scores are "KID on Inception" and "FID".
        features: Another network to use: its last map, averaged over its positions.
        resize: Side in pixels that images are resized to for ``features`` (0: not resized).
        network: The attribute classifier's timm architecture.
        steps: The classifier's training steps.
        batch_size: Images a training step of the classifier.
        lr: Highest learning rate of the classifier's schedule.
    """

    def __init__(
        self,
        *,
        inception: Path | None = None,
        features: Features | None = None,
        resize: Annotated[int, Field(ge=0)] = 0,
        network: str = DEFAULT,
        steps: Annotated[int, Field(ge=1)] = 500,
        batch_size: Annotated[int, Field(ge=2)] = 64,
        lr: Annotated[float, Field(gt=0)] = 3e-3,
    ) -> None:
        super().__init__(network=network, steps=steps, batch_size=batch_size, lr=lr)
        self.inception = inception
        self.features = features
        self.resize = resize

    @classmethod
    def missing(cls, **parameters: Any) -> Sequence[str]:
        """The file of Inception's weights, where it is not there."""
        path = parameters.get("inception")
        if path is None:
            return super().missing(**parameters)
        if parameters.get("features") is not None:
            return ["one network: inception or features, not both"]
        return [] if path.is_file() else [f"Inception's weights: {path}: no such file; {WHERE}"]

    def __call__(self, evaluation: Evaluation) -> Mapping[str, AggregateScore]:
        """The two distances; empty where fewer than two people are in the inputs, or in the real test images that have
        the attributes."""
        rows = evaluation.data.rows("test", evaluation.target)
        if min(len(rows), len(np.unique(evaluation.people))) < 2:
            return {}
        rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), LIMIT)).astype(int)]
        real, results = self._of_real(evaluation.data, rows), self._read(evaluation.data, evaluation.outputs)
        identity = evaluation.data.records.identity
        real_people = identity[rows] if identity is not None else rows
        people = evaluation.people if identity is not None else evaluation.rows
        value, low, high = interval(results, real, people, real_people)
        if np.isnan(value):
            return {}
        names = ("KID", "Frechet distance") if self.inception is None else ("KID on Inception", "FID")
        return {
            names[0]: AggregateScore(value, len(results), low, high, better="lower", role="realism"),
            names[1]: AggregateScore(frechet(results, real), len(results), better="lower", role="realism"),
        }

    @functools.cached_property
    def known(self) -> dict[tuple[str, bytes], NDArray[np.float32]]:
        return {}

    def _of_real(self, data: Any, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Read once for all candidates that are scored on these data."""
        key = (data.key, rows.tobytes())
        if key not in self.known:
            self.known[key] = self._read(data, data.images_u8(rows))
        return self.known[key]

    def _read(self, data: Any, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features (N, C) of images (N, S, S, 3)."""
        if self.inception is not None:
            return self._inception(images)
        if self.features is None:
            return self.classifier(data).features(images)
        side = self.resize or images.shape[1]
        parts = []
        for start in range(0, len(images), BATCH):
            chunk = np.stack([resized(image, side) for image in images[start : start + BATCH]])
            with torch.no_grad():
                parts.append(self.features(torch.from_numpy(chunk).permute(0, 3, 1, 2) / 127.5 - 1)[-1].float().mean((2, 3)))
        return torch.cat(parts).numpy()

    @functools.cached_property
    def _inception(self) -> Inception:
        assert self.inception is not None
        return Inception(self.inception)


def frechet(results: NDArray[np.floating], real: NDArray[np.floating]) -> float:
    """The Frechet distance of two Gaussians with the means and covariances of features (N, C) and (M, C); on Inception's
    features it is called FID. It is biased upwards, the more the fewer images there are.

    >>> rows = np.random.default_rng(0).normal(size=(5000, 3))
    >>> abs(frechet(rows + 2.0, rows) - 3 * 2.0**2) < 1e-6
    True
    """
    means = results.mean(0, dtype=np.float64) - real.mean(0, dtype=np.float64)
    one, other = _spread(results), _spread(real)
    # the trace of the root of a product of covariances A'A B'B is the sum of the singular values of A B'
    shared = np.linalg.svd(one @ other.T, compute_uv=False).sum()
    return float(means @ means + np.square(one).sum() + np.square(other).sum() - 2 * shared)


def _spread(features: NDArray[np.floating]) -> NDArray[np.float64]:
    """R (min(N, C), C) with R'R the covariance of features (N, C)."""
    centred = features.astype(np.float64) - features.mean(0, dtype=np.float64)
    return np.asarray(np.linalg.qr(centred / np.sqrt(len(features) - 1), mode="r"), np.float64)


def kernel(one: NDArray[np.floating], other: NDArray[np.floating]) -> NDArray[np.float64]:
    """(x y / C + 1)^3 for features (N, C) and (M, C): (N, M)."""
    return (one.astype(np.float64) @ other.astype(np.float64).T / one.shape[1] + 1) ** 3


def interval(
    results: NDArray[np.floating],
    real: NDArray[np.floating],
    people: NDArray[np.int64],
    real_people: NDArray[np.int64],
    draws: int = 300,
) -> tuple[float, float, float]:
    """KID times 1000 of features (N, C) and (M, C), and its 95% bootstrap interval over people, who are drawn on both sides.

    ``people`` (N,), ``real_people`` (M,): who is in each image. Images of one person are never compared, neither among
    results, nor among real ones, nor across: they are no independent draws. It may be negative.

    >>> rows, who = np.random.default_rng(0).normal(size=(2000, 4)), np.arange(2000)
    >>> near, far = (interval(rows[:1000] + shift, rows[1000:], who[:1000], who[1000:], 0)[0] for shift in (0, 1))
    >>> abs(near) < 20 < far
    True
    """
    names, both = np.unique(np.concatenate([people, real_people]), return_inverse=True)
    who, whose = both[: len(people)], both[len(people) :]
    pairs = [
        _Pairs(kernel(results, results), who, who),
        _Pairs(kernel(real, real), whose, whose),
        _Pairs(kernel(results, real), who, whose),
    ]

    def estimate(times: NDArray[np.float64]) -> float:
        """KID where person i is counted ``times[i]`` times; NaN where too few people are left to compare."""
        within, within_real, across = (pair.mean(times) for pair in pairs)
        return PER * (within + within_real - 2 * across)

    random = np.random.default_rng(0)
    drawn = [estimate(random.multinomial(len(names), np.full(len(names), 1 / len(names))).astype(float)) for _ in range(draws)]
    low, high = np.nanpercentile(drawn, [2.5, 97.5]) if draws else (np.nan, np.nan)
    return estimate(np.ones(len(names))), float(low), float(high)


class _Pairs:
    """A kernel (N, M) between images of ``who`` (N,) and of ``whose`` (M,), pairs of one person left out."""

    def __init__(self, values: NDArray[np.float64], who: NDArray[np.int64], whose: NDArray[np.int64]) -> None:
        self.apart = (who[:, None] != whose).astype(float)
        self.values = values * self.apart
        self.who, self.whose = who, whose

    def mean(self, times: NDArray[np.float64]) -> float:
        """Over all pairs, each as often as its people are drawn."""
        left, right = times[self.who], times[self.whose]
        count = left @ self.apart @ right
        return float(left @ self.values @ right / count) if count else float("nan")
