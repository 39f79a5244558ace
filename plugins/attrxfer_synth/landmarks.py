"""Landmarks of drawn faces: iBUG's 68 points and CelebA's 5."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from attrxfer_synth.anatomy import Anatomy
from attrxfer_synth.draw import head_distance
from attrxfer_synth.features import brow_line, eye_edges, mouth_edges

Array = NDArray[np.floating[Any]]


def landmarks(a: Anatomy, size: int) -> Array:
    """The 68 points (N, 68, 2), x and y in pixels: jaw 0-16, brows 17-26, nose 27-35, eyes 36-47, mouth 48-67."""
    parts = [
        _jaw(a),
        _on_turned_head(a, _brows(a)),
        _on_turned_head(a, _nose(a)),
        _on_turned_head(a, _eyes(a)),
        _on_turned_head(a, _mouth(a)),
    ]
    points = np.concatenate(parts, axis=1)
    x, y = points[..., 0] / a.scale[:, 0], points[..., 1] / a.scale[:, 0]
    cos, sin = np.cos(a.roll[:, 0]), np.sin(a.roll[:, 0])
    placed = np.stack([x * cos - y * sin + a.shift_x[:, 0], x * sin + y * cos + a.shift_y[:, 0]], axis=-1)
    return ((placed + 1) / 2 * size - 0.5).astype(np.float32)


def five_points(points: Array) -> Array:
    """CelebA's points (N, 5, 2) from the 68."""
    eyes = [points[:, 36:42].mean(1), points[:, 42:48].mean(1)]
    return np.stack([*eyes, points[:, 30], points[:, 48], points[:, 54]], axis=1)


def _on_turned_head(a: Anatomy, points: Array) -> Array:
    """Move points of features by yaw and pitch of the head."""
    return points + np.concatenate([a.yaw, a.pitch], axis=-1)


def _stack(x: Array, y: Array) -> Array:
    return np.stack(np.broadcast_arrays(x, y), axis=-1)


def _row(values: object) -> Array:
    return np.asarray(values, np.float32).reshape(1, -1)


def _jaw(a: Anatomy) -> Array:
    """The outline from the left ear over the chin to the right ear, at even angles, by bisection."""
    angle = _row(np.linspace(np.pi, 0, 17))
    dx, dy = np.cos(angle), np.sin(angle)
    low, high = np.zeros_like(a.man[:, 0] * dx), np.ones_like(a.man[:, 0] * dx)
    for _ in range(24):
        middle = (low + high) / 2
        inside = head_distance(a, (middle * dx)[:, None], (middle * dy)[:, None])[:, 0] < 0
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return _stack(low * dx, low * dy)


def _brows(a: Anatomy) -> Array:
    t = _row([0.95, 0.5, 0.0, -0.5, -0.95])
    y = brow_line(a, t[:, None])[:, 0]
    x = a.eye_x[:, 0] + 0.005 + t * a.brow_width[:, 0]
    return np.concatenate([_stack(-x, y), _stack(x, y)[:, ::-1]], axis=1)


def _nose(a: Anatomy) -> Array:
    ridge = _row([0.02, 0.35, 0.68, 1.0]) * a.nose_y[:, 0]
    base = _row([-0.85, -0.42, 0, 0.42, 0.85]) * a.nose_width[:, 0]
    drop = a.nose_y[:, 0] + _row([0.025, 0.04, 0.05, 0.04, 0.025])
    lead = a.yaw[:, 0] * 0.9
    return np.concatenate([_stack(lead + 0 * ridge, ridge), _stack(base + lead, drop)], axis=1)


def _eyes(a: Anatomy) -> Array:
    """Each eye: its left corner, upper lid, right corner, lower lid."""
    t = _row([-1, -0.4, 0.4, 1, 0.4, -0.4])
    upper, lower = (edge[:, 0] for edge in eye_edges(a, t[:, None]))
    x, y = (
        t * a.eye_width[:, 0],
        np.where(_row([0, 1, 1, 0, 0, 0]) > 0, -upper, np.where(_row([1, 0, 0, 1, 0, 0]) > 0, 0 * upper, lower)),
    )
    eyes = []
    for side in (-1, 1):
        tilt = -a.eye_tilt[:, 0] * side
        eyes.append(_stack(side * a.eye_x[:, 0] + x + tilt * y, a.eye_y[:, 0] + y - tilt * x))
    return np.concatenate(eyes, axis=1)


def _mouth(a: Anatomy) -> Array:
    """Outer edge clockwise from the left corner, then the inner edge."""

    def points(t: Array, edge: int) -> Array:
        return _stack(t * a.mouth_width[:, 0], mouth_edges(a, t[:, None])[edge][:, 0])

    over, back = _row([-1, -0.6, -0.25, 0, 0.25, 0.6, 1]), _row([0.6, 0.25, 0, -0.25, -0.6])
    inner, home = _row([-0.85, -0.35, 0, 0.35, 0.85]), _row([0.35, 0, -0.35])
    return np.concatenate([points(over, 0), points(back, 3), points(inner, 1), points(home, 2)], axis=1)
