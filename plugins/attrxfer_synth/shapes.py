"""Signed distances to shapes (negative inside), and layers on a batch of canvases. Arrays broadcast over (N, S, S)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]


def lerp(low: Array | float, high: Array | float, share: Array | float) -> Array:
    """Interpolate: ``low`` at share 0, ``high`` at share 1."""
    return np.asarray(low + (high - low) * share, np.float32)


def smooth(low: float, high: float, values: Array) -> Array:
    """0 below ``low``, 1 above ``high``, smooth in between (also with low > high)."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def ellipse(x: Array, y: Array, width: Array | float, height: Array | float) -> Array:
    """Approximate distance to an ellipse with these half axes around 0, 0."""
    return np.asarray((np.hypot(x / width, y / height) - 1) * np.minimum(width, height), np.float32)


def egg(x: Array, y: Array, width: Array | float, height: Array | float, power: Array | float) -> Array:
    """Approximate distance to a superellipse with these half axes; power 2 is an ellipse, more is closer to a rectangle."""
    p = np.asarray(power, np.float32)
    radius = (np.abs(x / width) ** p + np.abs(y / height) ** p + np.float32(1e-12)) ** (1 / p)
    return np.asarray((radius - 1) * np.minimum(width, height), np.float32)


def box(x: Array, y: Array, width: Array | float, height: Array | float, corner: Array | float) -> Array:
    """Distance to a box with these half sides around 0, 0 and rounded corners."""
    qx, qy = np.abs(x) - width + corner, np.abs(y) - height + corner
    outside = np.sqrt(np.maximum(qx, 0) ** 2 + np.maximum(qy, 0) ** 2)
    return np.asarray(outside + np.minimum(np.maximum(qx, qy), 0) - corner, np.float32)


def cover(distance: Array, pixel: Array) -> Array:
    """Share of each pixel, of side ``pixel``, that a shape covers; this antialiases its edge."""
    return np.clip(np.float32(0.5) - distance / pixel, 0, 1)


def blob(distance: Array, softness: float) -> Array:
    """A soft spot: 1 inside, falling to exactly 0 at distance ``softness`` outside."""
    return smooth(softness, 0.0, distance)


def over(canvas: Array, colour: Array, alpha: Array) -> None:
    """Lay a colour (N, 1, 1, 3) or (N, S, S, 3) over the canvas (N, S, S, 3), in place, by alpha (N, S, S) in 0..1."""
    canvas += alpha[..., None] * (colour - canvas)


def shade(canvas: Array, factor: Array) -> None:
    """Darken or lighten the canvas in place by a factor (N, S, S)."""
    canvas *= factor[..., None]
