"""Which images have a model's attribute already: a logistic regression, which needs no network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIDE, CELL, ORIENTATIONS = 64, 8, 8
"""Images are resized to this side in pixels; gradients are counted in cells of this side, in so many directions."""
VALUES = (SIDE // CELL) ** 2 * (ORIENTATIONS + 3)
"""Length of a descriptor."""
LARGEST = 2000
"""Images of each class, at most."""
FEWEST = 50
"""With fewer training images of a class than this, or fewer than a tenth of it to test on, nothing is fitted."""
PENALTY = 0.01
"""Weight of the squared coefficients."""
DIGITS = 5
"""Significant digits that are kept."""
Values = NDArray[np.float64]
Images = NDArray[np.uint8]


def descriptors(images_u8: Images) -> Values:
    """Histograms of oriented gradients (Dalal and Triggs, CVPR 2005) and mean colours of 8 x 8 cells: uint8 (N, S, S, 3) ->
    (N, 704)."""
    from PIL import Image
    from skimage.feature import hog

    cells = SIDE // CELL
    found = []
    for image in images_u8:
        small = np.asarray(Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=3))
        values = small.astype(np.float64) / 255
        gradients = hog(np.sqrt(values.mean(-1)), ORIENTATIONS, (CELL, CELL), (1, 1), block_norm="L2")
        colours = values.reshape(cells, CELL, cells, CELL, 3).mean((1, 3)).reshape(-1)
        found.append(np.concatenate([np.sqrt(gradients), colours]))
    return np.stack(found)


@dataclass(frozen=True)
class AttributeRegression:
    """A logistic regression on ``descriptors``.

    Attributes:
        weights: (704,).
        bias: Added to the weighted sum.
        accuracy: Share of right answers on held-out images, as the mean over those with and those without the attributes.
    """

    weights: Values
    bias: float
    accuracy: float

    @classmethod
    def fit(cls, training: tuple[Images, Images], held_out: tuple[Images, Images]) -> AttributeRegression | None:
        """Fit it to images with and without the attributes, each in random order; None for fewer than 50 of one class."""
        if min(map(len, training)) < FEWEST or min(map(len, held_out)) < FEWEST / 10:
            return None
        weights, bias = _fitted(*(descriptors(images[:LARGEST]) for images in training))
        right = [
            float(np.mean((descriptors(images[:LARGEST]) @ weights + bias > 0) == has))
            for images, has in zip(held_out, (True, False), strict=True)
        ]
        return cls(weights, bias, sum(right) / 2)

    @classmethod
    def read(cls, table: Mapping[str, Any] | None) -> AttributeRegression | None:
        """Of a model's metadata; None where there is none."""
        return None if table is None else cls(np.array(table["weights"]), float(table["bias"]), float(table["accuracy"]))

    def table(self) -> dict[str, Any]:
        """As JSON takes it."""
        weights = [float(f"{value:.{DIGITS}g}") for value in self.weights]
        return {"weights": weights, "bias": self.bias, "accuracy": round(self.accuracy, 4)}

    def probability(self, images_u8: Images) -> Values:
        """The probability (N,) that images (N, S, S, 3) have the attributes."""
        from scipy.special import expit

        return np.asarray(expit(descriptors(images_u8) @ self.weights + self.bias))


def _fitted(with_it: Values, without_it: Values) -> tuple[Values, float]:
    """Weights and bias; both classes count equally, however many images they have."""
    from scipy.optimize import minimize
    from scipy.special import expit

    found = np.concatenate([with_it, without_it])
    centre, spread = found.mean(0), found.std(0) + 1e-6
    found = (found - centre) / spread
    sign = np.repeat([1.0, -1.0], [len(with_it), len(without_it)])
    share = np.repeat([0.5 / len(with_it), 0.5 / len(without_it)], [len(with_it), len(without_it)])

    def loss(parameters: Values) -> tuple[float, Values]:
        weights, bias = parameters[:-1], parameters[-1]
        margin = sign * (found @ weights + bias)
        slope = -share * sign * expit(-margin)
        value = float((share * np.logaddexp(0, -margin)).sum() + PENALTY * weights @ weights)
        return value, np.append(slope @ found + 2 * PENALTY * weights, slope.sum())

    parameters = minimize(loss, np.zeros(found.shape[1] + 1), jac=True, method="L-BFGS-B", options={"maxiter": 200}).x
    weights = parameters[:-1] / spread
    return weights, float(parameters[-1] - weights @ centre)
