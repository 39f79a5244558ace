"""What the training images of a model look like at the scale of pixels: tells drawings from photographs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FITTED, LIMITED = 1500, 500
"""Training images that the normal distribution is fitted to, and others that the limit is read from, at most."""
SHARE = 0.995
"""Share of these other training images that lie within the limit."""
FEWEST = 50
"""With fewer training images than this, nothing is fitted."""
STATISTICS = 9
DIGITS = 9
"""Significant digits that are kept."""
Values = NDArray[np.float64]


def texture(images_u8: NDArray[np.uint8]) -> Values:
    """Nine statistics (N, 9) of images uint8 (N, S, S, 3), S at least 8.

    The share of neighbours that differ by at most 2 of 255; of the luminance's Laplacian the median, the share of its sum
    that the largest tenth holds, the kurtosis, and the 98% quantile over the median; of the gradients the share that the
    largest tenth holds, and their mean over that of the image at half its size; of the chroma's Laplacian the median, and the
    98% quantile over the median. Shares as they are, the others as logarithms.
    """
    count = len(images_u8)
    values = images_u8.astype(np.float32)
    luminance = values.mean(-1)
    chroma = np.stack([values[..., 0] - values[..., 1], values[..., 2] - values[..., :2].mean(-1)], -1)
    across, down = (np.abs(np.diff(values, axis=axis)).max(-1).reshape(count, -1) for axis in (2, 1))
    steps = np.sort(np.concatenate([across, down], 1), 1)
    fine, colour = (np.abs(_laplacian(maps)).reshape(count, -1) for maps in (luminance, chroma))
    side = images_u8.shape[1] // 2
    half = luminance[:, : 2 * side, : 2 * side].reshape(count, side, 2, side, 2).mean((2, 4))
    moments = (fine**4).mean(1) / ((fine**2).mean(1) ** 2 + 1e-6)
    return np.stack(
        [
            np.log((steps <= 2).mean(1) + 0.01),
            np.log(np.median(fine, 1) + 1),
            _held_by_largest(steps),
            _held_by_largest(np.sort(fine, 1)),
            np.log(np.median(colour, 1) + 0.5),
            np.log(moments + 1),
            np.log((_gradient(luminance) + 0.1) / (_gradient(half) + 0.1)),
            _tail(fine),
            _tail(colour),
        ],
        axis=1,
    ).astype(np.float64)


def _laplacian(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """The five-point Laplacian of maps (N, H, W, ...), without the border."""
    near = maps[:, 2:, 1:-1] + maps[:, :-2, 1:-1] + maps[:, 1:-1, 2:] + maps[:, 1:-1, :-2]
    return np.asarray(4 * maps[:, 1:-1, 1:-1] - near)


def _held_by_largest(ordered: NDArray[np.float32]) -> NDArray[np.float32]:
    """The share of the sum of ordered values (N, K) that the largest tenth of them holds."""
    return np.asarray(ordered[:, int(0.9 * ordered.shape[1]) :].sum(1) / (ordered.sum(1) + 1e-6))


def _gradient(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean difference of neighbours in each of N maps."""
    return np.asarray(sum(np.abs(np.diff(maps, axis=axis)).mean((1, 2)) for axis in (1, 2)))


def _tail(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The logarithm of the 98% quantile over the median of each row."""
    return np.asarray(np.log((np.quantile(values, 0.98, axis=1) + 1) / (np.median(values, axis=1) + 1)))


@dataclass(frozen=True)
class Texture:
    """A normal distribution of ``texture`` over a model's training images.

    Attributes:
        mean: (9,).
        precision: Inverse covariance (9, 9).
        limit: Squared Mahalanobis distance within which 99.5% of other training images lie.
    """

    mean: Values
    precision: Values
    limit: float

    @classmethod
    def fit(cls, images_u8: NDArray[np.uint8]) -> Texture | None:
        """Fit it to training images (N, S, S, 3) in random order; None for fewer than 50."""
        if len(images_u8) < FEWEST:
            return None
        found = texture(images_u8)
        fitted = found[: max(len(found) * FITTED // (FITTED + LIMITED), 1)]
        mean = fitted.mean(0)
        covariance = np.cov(fitted.T) + 1e-6 * np.eye(STATISTICS)
        precision = np.asarray(np.linalg.inv(covariance), np.float64)
        distances = _squared_distance(found[len(fitted) :], mean, precision)
        return cls(mean, precision, float(np.quantile(distances, SHARE)))

    @classmethod
    def read(cls, table: Mapping[str, Any] | None) -> Texture | None:
        """Of a model's metadata; None where there is none."""
        return None if table is None else cls(np.array(table["mean"]), np.array(table["precision"]), float(table["limit"]))

    def table(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {"mean": rounded(self.mean), "precision": [rounded(row) for row in self.precision], "limit": self.limit}

    def unlike(self, images_u8: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Which of images (N, S, S, 3) lie beyond the limit."""
        return np.asarray(_squared_distance(texture(images_u8), self.mean, self.precision) > self.limit)


def _squared_distance(found: Values, mean: Values, precision: Values) -> Values:
    """The squared Mahalanobis distance of each row."""
    return np.asarray(np.einsum("ni,ij,nj->n", found - mean, precision, found - mean))


def rounded(values: Values) -> list[float]:
    """Values with nine significant digits."""
    return [float(f"{value:.{DIGITS}g}") for value in values]
