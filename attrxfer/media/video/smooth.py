"""Points over time: smooth, whole where a look missed, and with a weight that fades in and out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

WIDTH = 0.08
"""Standard deviation in seconds of the window that points are smoothed in: movement slower than about 1.5 Hz stays."""
NEIGHBOURS = 5
"""So many looks have a say at least: where some are missing, the window widens."""
ROBUST = 6.0
"""Looks whose points lie further off than so many median distances have no say."""
SURE = 0.5
"""Pixels that a look may be off in any case."""
ROUNDS = 3
FADE = 0.2
"""Seconds in which a subject that comes or goes is faded in or out."""


def smooth(
    times: NDArray[np.float64], points: NDArray[np.float32], at: NDArray[np.float64], width: float = WIDTH
) -> NDArray[np.float32]:
    """Points (T, P, 2) at the times ``at`` (T,) from those (N, P, 2) seen at ``times`` (N,), rising, all in seconds.

    Local regression (loess): at each time a parabola in time is fitted to what was seen before and after, near looks
    counting most, so that noise goes and movement stays without lag. Looks far off the curve do not
    count when it is fitted again. Width 0 only fills in what is between.
    """
    values = points.reshape(len(points), -1).astype(np.float64)
    if not width:
        between = np.stack([np.interp(at, times, value) for value in values.T], axis=1)
        return between.astype(np.float32).reshape(len(at), *points.shape[1:])
    trust = np.ones(len(times))
    for _ in range(ROUNDS if len(times) > NEIGHBOURS else 0):
        off = np.linalg.norm(values - _fit(times, values, times, width, trust), axis=1)
        trust = (1 - (off / max(ROBUST * float(np.median(off)), SURE)).clip(0, 1) ** 2) ** 2 + 1e-9
    return _fit(times, values, at, width, trust).astype(np.float32).reshape(len(at), *points.shape[1:])


def _fit(
    times: NDArray[np.float64], values: NDArray[np.float64], at: NDArray[np.float64], width: float, trust: NDArray[Any]
) -> NDArray[np.float64]:
    """The local parabola's value (T, D) at each time; a line or a constant where there are too few looks."""
    count = len(times)
    step = float(np.median(np.diff(times))) if count > 1 else width
    window = min(count, max(NEIGHBOURS, 2 * int(np.ceil(3 * width / max(step, 1e-6))) + 1))
    first = (np.searchsorted(times, at) - window // 2).clip(0, count - window)
    chosen = first[:, None] + np.arange(window)
    away = times[chosen] - at[:, None]
    wide = np.maximum(width, np.sort(np.abs(away))[:, min(NEIGHBOURS, window) - 1] / 2)
    away /= wide[:, None]
    say = np.exp(-(away**2) / 2) * trust[chosen]
    powers = away[..., None] ** np.arange(min(3, count))
    weighted = powers * (say / say.sum(1, keepdims=True))[..., None]
    moments = weighted.transpose(0, 2, 1) @ powers + 1e-9 * np.eye(powers.shape[-1])
    return np.linalg.solve(moments, weighted.transpose(0, 2, 1) @ values[chosen])[:, 0]


def fading(times: NDArray[np.float64], comes: bool, goes: bool, fade: float = FADE) -> NDArray[np.float32]:
    """Weight (T,) in 0..1 of a subject at the times (T,) it is there, in seconds: rising from its first if it ``comes``
    into a running scene, falling to its last if it ``goes`` before the scene ends."""
    weight = np.ones(len(times))
    if comes:
        weight = np.minimum(weight, (times - times[0]) / fade)
    if goes:
        weight = np.minimum(weight, (times[-1] - times) / fade)
    weight = weight.clip(0, 1)
    return (weight * weight * (3 - 2 * weight)).astype(np.float32)
