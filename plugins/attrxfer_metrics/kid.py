"""KID and Frechet distance: how far the set of results is from the set of real images with the attribute."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from attrxfer.errors import DataError, Problem
from attrxfer.interfaces import AggregateScore, DatasetView, Evaluation, Features, RecipeView
from attrxfer_metrics.classifier import DEFAULT, UsesClassifier
from attrxfer_metrics.inception import WHERE, Inception, resized

FACTOR = 1000
"""KID is multiplied by this, as is usual."""
MAX_REAL, BATCH = 1000, 64
"""Greatest number of real images that results are compared with; images in a batch."""


class Kid(UsesClassifier):
    """Kernel inception distance (Binkowski et al. 2018, arXiv:1801.01401) times 1000 between results and real test images
    that have the target attributes, and the Frechet distance on the same features. Lower is better.

    By default both use the features of the attribute classifier; then scores of different data sets cannot be compared.

    Args:
        inception: File of the original Inception network's weights; with it the scores are "KID on Inception" and "FID".
        features: Another network: its last map is used, averaged over positions.
        resize: Side in pixels that images are resized to for ``features`` (0: not resized).
        network: The attribute classifier's timm architecture.
        steps: The classifier's training steps.
        batch_size: Images in a training step of the classifier.
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
        """One line for each problem: Inception's file does not exist, or both ``inception`` and ``features`` are set."""
        path = parameters.get("inception")
        if path is None:
            return super().missing(**parameters)
        if parameters.get("features") is not None:
            return ["inception and features are both set: set one of them"]
        return [] if path.is_file() else [f"Inception's weights: {path}: no such file; {WHERE}"]

    def check_recipe(self, recipe: RecipeView) -> Iterator[Problem]:
        """A file that holds no Inception network; a network that does not take the images, or gives no maps."""
        if self.inception is not None:
            try:
                _ = self._inception
            except DataError as error:
                yield Problem("inception", str(error))
        elif self.features is None:
            yield from super().check_recipe(recipe)
        elif len(shape := recipe.features(self.features, self.resize or None)[-1]) != 4:
            yield Problem("features", f"the last map of this network has the shape {shape}, not (1, C, H, W)")

    def __call__(self, evaluation: Evaluation) -> Mapping[str, AggregateScore]:
        """Score results.

        Returns:
            The two distances. Empty where the inputs, or the real test images with the attributes, show fewer than two people.
        """
        rows = evaluation.data.rows("test", evaluation.target)
        if min(len(rows), len(np.unique(evaluation.people))) < 2:
            return {}
        rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), MAX_REAL)).astype(int)]
        real = self._real_features(evaluation.data, rows)
        results = self._features_of(evaluation.data, evaluation.outputs)
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
    def _cached(self) -> dict[tuple[str, bytes], NDArray[np.float32]]:
        return {}

    def _real_features(self, data: DatasetView, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Features of real images, computed once for these rows."""
        key = (data.key, rows.tobytes())
        if key not in self._cached:
            self._cached[key] = self._features_of(data, data.images_u8(rows))
        return self._cached[key]

    def _features_of(self, data: DatasetView, images: NDArray[np.uint8]) -> NDArray[np.float32]:
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
    """The Frechet distance of two Gaussians with the means and covariances of features (N, C) and (M, C).

    On Inception's features it is called FID. It is biased upwards; the bias grows as the number of images falls.

    >>> rows = np.random.default_rng(0).normal(size=(5000, 3))
    >>> abs(frechet(rows + 2.0, rows) - 3 * 2.0**2) < 1e-6
    True
    """
    means = results.mean(0, dtype=np.float64) - real.mean(0, dtype=np.float64)
    root, real_root = _covariance_root(results), _covariance_root(real)
    # trace(sqrt(A'A B'B)) is the sum of the singular values of A B'
    shared = np.linalg.svd(root @ real_root.T, compute_uv=False).sum()
    return float(means @ means + np.square(root).sum() + np.square(real_root).sum() - 2 * shared)


def _covariance_root(features: NDArray[np.floating]) -> NDArray[np.float64]:
    """R (min(N, C), C) such that R'R is the covariance of features (N, C)."""
    centred = features.astype(np.float64) - features.mean(0, dtype=np.float64)
    return np.asarray(np.linalg.qr(centred / np.sqrt(len(features) - 1), mode="r"), np.float64)


def kernel(one: NDArray[np.floating], other: NDArray[np.floating]) -> NDArray[np.float64]:
    """The polynomial kernel (x . y / C + 1)^3 of features (N, C) and (M, C): (N, M)."""
    return (one.astype(np.float64) @ other.astype(np.float64).T / one.shape[1] + 1) ** 3


def interval(
    results: NDArray[np.floating],
    real: NDArray[np.floating],
    people: NDArray[np.int64],
    real_people: NDArray[np.int64],
    draws: int = 300,
) -> tuple[float, float, float]:
    """KID times 1000 and its 95% bootstrap interval. Both sides are resampled by person.

    Pairs of images of one person are left out, among results, among real images and between them, since they are not
    independent. The estimate may be negative.

    Args:
        results: Features (N, C).
        real: Features (M, C).
        people: Who is in each result (N,).
        real_people: Who is in each real image (M,).
        draws: Bootstrap samples; with 0 the interval is NaN.

    Returns:
        KID, and the lower and upper end of its interval.

    >>> rows, people = np.random.default_rng(0).normal(size=(2000, 4)), np.arange(2000)
    >>> near, far = (interval(rows[:1000] + shift, rows[1000:], people[:1000], people[1000:], 0)[0] for shift in (0, 1))
    >>> abs(near) < 20 < far
    True
    """
    everyone, numbers = np.unique(np.concatenate([people, real_people]), return_inverse=True)
    person, real_person = numbers[: len(people)], numbers[len(people) :]
    pairs = [
        _Pairs(kernel(results, results), person, person),
        _Pairs(kernel(real, real), real_person, real_person),
        _Pairs(kernel(results, real), person, real_person),
    ]

    def estimate(times: NDArray[np.float64]) -> float:
        """KID where person i counts ``times[i]`` times; NaN where no pair of different people is left."""
        within, within_real, across = (pair.mean(times) for pair in pairs)
        return FACTOR * (within + within_real - 2 * across)

    random = np.random.default_rng(0)
    count = len(everyone)
    drawn = [estimate(random.multinomial(count, np.full(count, 1 / count)).astype(float)) for _ in range(draws)]
    low, high = np.nanpercentile(drawn, [2.5, 97.5]) if draws else (np.nan, np.nan)
    return estimate(np.ones(count)), float(low), float(high)


class _Pairs:
    """The values of a kernel for pairs of images of different people.

    Args:
        values: The kernel (N, M).
        people: The person of each row (N,).
        other_people: The person of each column (M,).
    """

    def __init__(self, values: NDArray[np.float64], people: NDArray[np.int64], other_people: NDArray[np.int64]) -> None:
        self.different = (people[:, None] != other_people).astype(float)
        self.values = values * self.different
        self.people, self.other_people = people, other_people

    def mean(self, times: NDArray[np.float64]) -> float:
        """Mean over all pairs, where person i counts ``times[i]`` times."""
        left, right = times[self.people], times[self.other_people]
        count = left @ self.different @ right
        return float(left @ self.values @ right / count) if count else float("nan")
