"""The textbook's methods, which are not trained: what a model for the same task is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.ndimage import affine_transform, median_filter
from skimage import restoration

from attrxfer.interfaces import DatasetView

Images = NDArray[np.uint8]
Sigma = Annotated[float, Field(gt=0, le=5)]
BORDER = 16
"""Pixels by which an image is continued beyond its border, by its mirror image, before it is deconvolved."""


class OfImages:
    """Base of methods that transfer any image."""

    reach = 32

    def result(self, image: NDArray[np.float64]) -> NDArray[np.float64]:
        """What becomes of an image (H, W, 3) in 0..1."""
        raise NotImplementedError

    def transfer(self, images_u8: Images, strength: float) -> Images:
        """x + strength (result - x), clipped, of images uint8 (N, H, W, 3)."""
        made = images_u8.copy()
        for number, image in enumerate(images_u8 / 255):
            mixed = image + strength * (self.result(image) - image)
            made[number] = (255 * mixed).round().clip(0, 255)
        return made

    def __call__(self, data: DatasetView, target: Mapping[str, bool], rows: NDArray[np.int64]) -> Images | None:
        return self.transfer(data.images_u8(rows), 1.0)


def gaussian(sigma: float) -> NDArray[np.float64]:
    """A Gaussian (K, K) of sum 1 that ends at four standard deviations."""
    line = np.exp(-0.5 * (np.arange(-round(4 * sigma), round(4 * sigma) + 1) / sigma) ** 2)
    return np.asarray(np.outer(line, line) / line.sum() ** 2)


def _padded(image: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.pad(image, ((BORDER, BORDER), (BORDER, BORDER), (0, 0)), mode="symmetric")


def _inner(image: NDArray[np.float64]) -> NDArray[np.float64]:
    return image[BORDER:-BORDER, BORDER:-BORDER]


class Wiener(OfImages):
    """Wiener's filter with a Laplacian as regularizer (scikit-image's ``wiener``), told how the image was blurred.

    Args:
        sigma: Standard deviation of the Gaussian blur in pixels.
        balance: Weight of the regularizer.
    """

    reach = 64

    def __init__(self, *, sigma: Sigma = 1.5, balance: Annotated[float, Field(gt=0)] = 0.01) -> None:
        self.sigma = sigma
        self.balance = balance

    def result(self, image: NDArray[np.float64]) -> NDArray[np.float64]:
        wide, psf = _padded(image), gaussian(self.sigma)
        made = [restoration.wiener(wide[..., channel], psf, self.balance) for channel in range(3)]
        return _inner(np.stack(made, -1))


class RichardsonLucy(OfImages):
    """Richardson-Lucy deconvolution (scikit-image's ``richardson_lucy``), told how the image was blurred.

    Args:
        sigma: Standard deviation of the Gaussian blur in pixels.
        iterations: Steps; more sharpen more, and amplify noise more.
    """

    reach = 96

    def __init__(self, *, sigma: Sigma = 1.5, iterations: Annotated[int, Field(ge=1)] = 20) -> None:
        self.sigma = sigma
        self.iterations = iterations

    def result(self, image: NDArray[np.float64]) -> NDArray[np.float64]:
        wide, psf = _padded(image), gaussian(self.sigma)
        made = [restoration.richardson_lucy(wide[..., channel], psf, self.iterations) for channel in range(3)]
        return _inner(np.stack(made, -1))


class Median(OfImages):
    """The median of each pixel's neighbourhood, channel by channel: it removes what is thinner than half of it.

    Args:
        side: Side of the neighbourhood in pixels, an odd number.
    """

    def __init__(self, *, side: Annotated[int, Field(ge=3, le=31)] = 5) -> None:
        self.side = side

    def result(self, image: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(median_filter(image, (self.side, self.side, 1)))


class Slant(OfImages):
    """The image sheared about its middle row: slanted letters become upright, or upright ones slanted.

    Args:
        shear: By how many pixels a row moves to the right for each pixel that it lies above the middle.
    """

    def __init__(self, *, shear: Annotated[float, Field(ge=-2, le=2)] = 0.35) -> None:
        self.shear = shear

    def result(self, image: NDArray[np.float64]) -> NDArray[np.float64]:
        middle = (len(image) - 1) / 2
        matrix, offset = np.array([[1, 0, 0], [self.shear, 1, 0], [0, 0, 1.0]]), np.array([0, -self.shear * middle, 0])
        return np.asarray(affine_transform(image, matrix, offset, order=1, mode="nearest"))
