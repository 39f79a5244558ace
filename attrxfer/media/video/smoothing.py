"""Points of a subject over time: smoothed, interpolated where a detection is missing, faded in and out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

SMOOTHING = 0.08
"""Standard deviation in seconds of the window that points are smoothed in: movement slower than about 1.5 Hz stays."""
NEIGHBOURS = 5
"""At least so many detections count: where some are missing, the window widens."""
OUTLIER = 6.0
"""Detections further off the curve than so many median distances do not count."""
TOLERANCE = 0.5
"""Pixels by which every detection may be off the curve."""
ITERATIONS = 3
FADE = 0.2
"""Seconds in which a subject that comes or goes is faded in or out."""


def smooth_points(
    times: NDArray[np.float64], points: NDArray[np.float32], at: NDArray[np.float64], window: float = SMOOTHING
) -> NDArray[np.float32]:
    """Smooth points by robust local regression (loess).

    At each time a parabola in time is fitted to the detections before and after, weighted by nearness, so that noise is removed
    and movement stays without lag. The fit is repeated without detections far off the curve.

    Args:
        times: (N,), rising, in seconds: when the points were detected.
        points: (N, P, 2), in pixels.
        at: (T,), in seconds: the times of the result.
        window: Standard deviation of the window in seconds; 0 only interpolates.

    Returns:
        Points (T, P, 2).
    """
    values = points.reshape(len(points), -1).astype(np.float64)
    if not window:
        between = np.stack([np.interp(at, times, value) for value in values.T], axis=1)
        return between.astype(np.float32).reshape(len(at), *points.shape[1:])
    robustness = np.ones(len(times))
    for _ in range(ITERATIONS if len(times) > NEIGHBOURS else 0):
        off = np.linalg.norm(values - _fit(times, values, times, window, robustness), axis=1)
        robustness = (1 - (off / max(OUTLIER * float(np.median(off)), TOLERANCE)).clip(0, 1) ** 2) ** 2 + 1e-9
    return _fit(times, values, at, window, robustness).astype(np.float32).reshape(len(at), *points.shape[1:])


def _fit(
    times: NDArray[np.float64],
    values: NDArray[np.float64],
    at: NDArray[np.float64],
    window: float,
    robustness: NDArray[Any],
) -> NDArray[np.float64]:
    """The local parabola's value (T, D) at each time; a line or a constant where there are too few detections."""
    count = len(times)
    step = float(np.median(np.diff(times))) if count > 1 else window
    span = min(count, max(NEIGHBOURS, 2 * int(np.ceil(3 * window / max(step, 1e-6))) + 1))
    first = (np.searchsorted(times, at) - span // 2).clip(0, count - span)
    chosen = first[:, None] + np.arange(span)
    away = times[chosen] - at[:, None]
    wide = np.maximum(window, np.sort(np.abs(away))[:, min(NEIGHBOURS, span) - 1] / 2)
    away /= wide[:, None]
    weights = np.exp(-(away**2) / 2) * robustness[chosen]
    powers = away[..., None] ** np.arange(min(3, count))
    weighted = powers * (weights / weights.sum(1, keepdims=True))[..., None]
    moments = weighted.transpose(0, 2, 1) @ powers + 1e-9 * np.eye(powers.shape[-1])
    return np.linalg.solve(moments, weighted.transpose(0, 2, 1) @ values[chosen])[:, 0]


def fade_weights(times: NDArray[np.float64], comes: bool, goes: bool, fade: float = FADE) -> NDArray[np.float32]:
    """Weights that fade a subject in and out.

    Args:
        times: (T,), in seconds: when the subject is in the scene.
        comes: Whether it comes into a running scene: the weight rises from its first time.
        goes: Whether it goes before the scene ends: the weight falls to its last time.
        fade: Seconds that this takes.

    Returns:
        (T,) in 0..1.
    """
    weight = np.ones(len(times))
    if comes:
        weight = np.minimum(weight, (times - times[0]) / fade)
    if goes:
        weight = np.minimum(weight, (times[-1] - times) / fade)
    weight = weight.clip(0, 1)
    return (weight * weight * (3 - 2 * weight)).astype(np.float32)
