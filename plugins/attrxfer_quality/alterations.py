"""What is done to sharp, clear photographs: blur, loss of resolution, rain, a painter's brush."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter, uniform_filter

Values = NDArray[np.float32]
Name = Literal["blur", "low_resolution", "rain", "painting"]
SIGMA, NOISE = 1.5, 2.0
"""Of the blur: its standard deviation in pixels, and that of the noise added after it, in steps of 255."""
FACTOR = 2
"""By how much the resolution is reduced."""
DENSITY = 1 / 130
"""Streaks of rain for each pixel."""
BRUSH = 5
"""Side in pixels of the brush's quarters."""
MARGIN = 16
"""How far, in pixels, what surrounds an image must be known so that its alteration is exact."""


class Alteration(NamedTuple):
    """An alteration of images.

    Attributes:
        attribute: The attribute that it changes.
        value: The attribute's value in unaltered images.
        apply: Alters an image float32 (H, W, 3) in 0..255, with a source of random numbers.
    """

    attribute: str
    value: bool
    apply: Callable[[Values, np.random.Generator], Values]


def blur(image: Values, random: np.random.Generator) -> Values:
    """Gaussian blur, then noise."""
    return np.asarray(gaussian_filter(image, (SIGMA, SIGMA, 0)) + NOISE * random.standard_normal(image.shape), np.float32)


def low_resolution(image: Values, random: np.random.Generator) -> Values:
    """The mean of 2 x 2 pixels, enlarged again by bicubic interpolation. Sides are multiples of 2."""
    height, width = image.shape[0] // FACTOR, image.shape[1] // FACTOR
    small = image.reshape(height, FACTOR, width, FACTOR, 3).mean((1, 3)).round().clip(0, 255).astype(np.uint8)
    size = (image.shape[1], image.shape[0])
    return np.asarray(Image.fromarray(small).resize(size, Image.Resampling.BICUBIC), np.float32)


def rain(image: Values, random: np.random.Generator) -> Values:
    """Bright streaks of one direction, some longer, wider and brighter than others."""
    height, width = image.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    angle = random.uniform(-0.45, 0.45)
    layer = np.zeros((height, width), np.float32)
    for _ in range(round(DENSITY * height * width)):
        along, across = _frame(x - random.uniform(0, width), y - random.uniform(0, height), angle + random.normal(0, 0.03))
        length, breadth = random.uniform(5, 14), random.uniform(0.5, 0.9)
        streak = np.exp(-((across / breadth) ** 2) / 2) * np.clip(length + 1 - np.abs(along), 0, 1)
        layer = np.maximum(layer, random.uniform(0.2, 0.6) * streak)
    return np.asarray(image + layer[..., None] * (235 - image), np.float32)


def _frame(x: Values, y: Values, angle: float) -> tuple[Values, Values]:
    """Coordinates along and across a direction, which is an angle to the vertical."""
    return x * np.float32(np.sin(angle)) + y * np.float32(np.cos(angle)), x * np.float32(np.cos(angle)) - y * np.float32(
        np.sin(angle)
    )


def painting(image: Values, random: np.random.Generator) -> Values:
    """Kuwahara's filter: each pixel takes the mean of the most even of the four squares at whose corner it lies."""
    grey, reach = image.mean(2), BRUSH // 2
    mean, variance = uniform_filter(image, (BRUSH, BRUSH, 1)), uniform_filter(grey**2, BRUSH) - uniform_filter(grey, BRUSH) ** 2
    shifts = [(dy, dx) for dy in (-reach, reach) for dx in (-reach, reach)]
    variances = np.stack([np.roll(variance, shift, (0, 1)) for shift in shifts])
    means = np.stack([np.roll(mean, shift, (0, 1)) for shift in shifts])
    return np.asarray(np.take_along_axis(means, variances.argmin(0)[None, ..., None], 0)[0], np.float32)


ALTERATIONS: Mapping[Name, Alteration] = {
    "blur": Alteration("Sharp", True, blur),
    "low_resolution": Alteration("HighResolution", True, low_resolution),
    "rain": Alteration("Clear", True, rain),
    "painting": Alteration("Painted", False, painting),
}
