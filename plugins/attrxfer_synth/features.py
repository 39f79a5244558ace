"""Nose, eyes, brows, mouth and glasses, each drawn in its own window of the image."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from attrxfer_synth.anatomy import Anatomy
from attrxfer_synth.shapes import blob, cover, egg, ellipse, over, shade, smooth
from attrxfer_synth.view import View, crease, paint

Array = NDArray[np.floating[Any]]
BLACK = np.zeros((1, 1, 1, 3), np.float32)
WHITE = np.ones((1, 1, 1, 3), np.float32)


def nose(canvas: Array, a: Anatomy, v: View) -> None:
    canvas, v = v.window(canvas, -0.22, -0.08, 0.22, 0.36)
    face = v.masks["face"]
    x, y = v.fx - a.yaw * 0.9, v.fy - a.nose_y
    ridge = smooth(0.055, 0.0, np.abs(x + 0.012 * np.sign(a.light_x))) * smooth(-0.24, -0.10, y) * smooth(0.06, 0.0, y)
    over(canvas, np.minimum(a.colour["skin"] * np.float32(1.22), 1), ridge * 0.32 * face)
    dark = np.sign(-a.light_x) + 0 * x
    flank = smooth(0.05, 0.0, np.abs(x - dark * 0.055)) * smooth(-0.26, -0.06, y) * smooth(0.05, -0.01, y)
    shade(canvas, 1 - 0.20 * flank * face)
    under = ellipse(x, y - 0.045, a.nose_width * 0.9, 0.008)
    shade(canvas, 1 - 0.24 * blob(under, 0.045) * smooth(-0.005, 0.03, y) * face)
    for side in (-1, 1):
        wing = np.abs(ellipse(x - side * a.nose_width * 0.82, y - 0.005, 0.028, 0.036))
        crease(
            canvas,
            v,
            wing,
            0.020,
            0.30 * smooth(-0.01, 0.02, side * x - a.nose_width * 0.72) * smooth(0.10, 0.02, np.abs(y)),
        )
        nostril = ellipse(x - side * a.nose_width * 0.42, y - 0.028, 0.022, 0.011)
        over(canvas, a.colour["skin"] * np.float32(0.28), cover(nostril, v.pixel) * 0.85 * face)


def eye_edges(a: Anatomy, t: Array) -> tuple[Array, Array]:
    """Distance of the upper and of the lower lid from the eye's axis, at t in -1..1 along it."""
    arc = np.clip(1 - t**2, 0, 1)
    return a.eye_height * arc**0.75, a.eye_height * 0.72 * arc


def eye(canvas: Array, a: Anatomy, v: View, side: int) -> None:
    canvas, v = v.window(canvas, side * 0.22 - 0.18, -0.18, side * 0.22 + 0.18, 0.12)
    x, y = v.fx - side * a.eye_x, v.fy - a.eye_y
    tilt = -a.eye_tilt * side
    x, y = x - tilt * y, y + tilt * x
    upper, lower = eye_edges(a, x / a.eye_width)
    inside = np.maximum(np.maximum(-y - upper, y - lower), np.abs(x) - a.eye_width)
    near = smooth(1.25, 0.85, np.abs(x) / a.eye_width)
    lid = smooth(0.075, 0.0, np.abs(-y - upper - 0.028)) * near
    over(canvas, a.colour["eyelid"], lid * a.shadow * (y < 0))
    crease = np.abs(-y - upper - 0.026)
    shade(canvas, 1 - 0.20 * smooth(0.018, 0.0, crease) * near * v.masks["face"])
    alpha = cover(inside, v.pixel)
    white = np.float32(0.95) - 0.16 * smooth(0.0, 1.0, (upper + y < 0.02) * 1.0 + 0 * x)
    paint(canvas, v, "eyes", np.broadcast_to(white[..., None], canvas.shape), alpha)
    centre = np.hypot(x, y + 0.004)
    over(canvas, a.colour["iris"] * np.float32(1.15), cover(centre - a.iris, v.pixel) * alpha)
    over(canvas, a.colour["iris"] * np.float32(0.4), cover(np.abs(centre - a.iris * 0.92) - 0.006, v.pixel) * alpha * 0.8)
    over(canvas, BLACK + np.float32(0.03), cover(centre - a.iris * 0.48, v.pixel) * alpha)
    spark = np.hypot(x - 0.016 * np.sign(a.light_x), y + 0.022) - 0.012
    over(canvas, WHITE, cover(spark, v.pixel) * alpha * 0.95)
    wing = (1 - a.man) * 0.03 * smooth(0.3, 1.1, side * x / a.eye_width)
    lash = np.maximum(np.abs(-y - upper - wing - a.lash * 0.4) - a.lash, np.abs(x) - a.eye_width * (1.04 + 0.10 * (1 - a.man)))
    over(canvas, BLACK + np.float32(0.06), cover(lash, v.pixel) * (0.70 + 0.28 * (1 - a.man)))
    line = np.maximum(np.abs(y - lower) - 0.006, np.abs(x) - a.eye_width * 0.9)
    over(canvas, a.colour["skin"] * np.float32(0.45), cover(line, v.pixel) * 0.55)


def brow_line(a: Anatomy, t: Array) -> Array:
    """Height of the brow's middle at t in -1 (nose) .. 1 (temple)."""
    return a.brow_y - a.brow_arch * (1 - (t - 0.25) ** 2) + 0.02 + a.brow_slope * 0.08 * t


def brow(canvas: Array, a: Anatomy, v: View, side: int) -> None:
    canvas, v = v.window(canvas, side * 0.23 - 0.2, -0.32, side * 0.23 + 0.2, -0.05)
    t = (side * v.fx - a.eye_x - 0.005) / a.brow_width
    weight = a.brow_weight * np.clip(1.08 - 0.35 * t - 0.25 * (t < -0.8), 0.1, 2)
    distance = np.maximum(np.abs(v.fy - brow_line(a, t)) - weight, (np.abs(t) - 1) * a.brow_width)
    hairs = 0.86 + 0.14 * np.sin(v.fx * 120 + v.fy * 90 * side)
    over(canvas, a.colour["brow"], cover(distance, v.pixel * 1.3) * hairs * (0.80 + 0.15 * a.man))


def mouth_edges(a: Anatomy, t: Array) -> tuple[Array, Array, Array, Array]:
    """y of the upper lip's top and lower edge and of the lower lip's top and lower edge, at t in -1..1 along the mouth."""
    arc = np.clip(1 - t**2, 0, 1)
    line = a.mouth_y + a.curve * (0.42 - t**2)
    bow = 1 - 0.28 * np.exp(-((t / 0.16) ** 2))
    gap = a.gape * arc**0.7
    return line - a.lip_up * arc**0.65 * bow, line, line + gap, line + gap + a.lip_low * arc**0.7


def mouth(canvas: Array, a: Anatomy, v: View) -> None:
    canvas, v = v.window(canvas, -0.36, 0.30, 0.36, 0.72)
    t = v.fx / a.mouth_width
    top, line, low, bottom = mouth_edges(a, t)
    within = (np.abs(t) - 1) * a.mouth_width
    lips = np.maximum(np.maximum(top - v.fy, v.fy - bottom), within)
    light = (
        0.86
        + 0.30 * smooth(0.0, 1.0, (v.fy - low) / (a.lip_low + 1e-3)) * smooth(1.2, 0.3, (v.fy - low) / (a.lip_low + 1e-3))
        - 0.10 * (v.fy < line)
    )
    paint(canvas, v, "mouth", a.colour["lip"] * light[..., None], cover(lips, v.pixel))
    inside = np.maximum(np.maximum(line - v.fy, v.fy - low), within)
    hole = cover(inside, v.pixel) * smooth(0.0, 0.02, a.gape)
    depth = (v.fy - line) / (a.gape + 1e-3)
    over(canvas, np.array([0.20, 0.04, 0.05], np.float32).reshape(1, 1, 1, 3), hole)
    over(
        canvas,
        np.array([0.72, 0.30, 0.32], np.float32).reshape(1, 1, 1, 3),
        hole * smooth(0.62, 0.85, depth) * smooth(0.85, 0.5, np.abs(t)),
    )
    teeth = np.float32(0.95) - 0.12 * np.abs(t) - 0.05 * (np.abs(np.mod(t * 5 + 0.5, 1) - 0.5) > 0.44)
    over(
        canvas,
        np.broadcast_to(teeth[..., None], canvas.shape),
        hole * smooth(0.55, 0.42, depth) * smooth(0.95, 0.75, np.abs(t)),
    )
    seam = np.maximum(np.abs(v.fy - line) - 0.008, within - 0.012)
    over(canvas, a.colour["lip"] * np.float32(0.35), cover(seam, v.pixel) * (0.75 - 0.3 * smooth(0.0, 0.05, a.gape)))
    for side in (-1, 1):
        corner = np.hypot(v.fx - side * a.mouth_width, v.fy - a.mouth_y + a.curve * 0.58)
        shade(canvas, 1 - smooth(0.045, 0.0, corner) * (0.18 + 0.2 * a.smile))


def glasses(canvas: Array, a: Anatomy, v: View) -> None:
    canvas, v = v.window(canvas, -0.6, -0.2, 0.6, 0.2)
    here = smooth(0.25, 0.75, a.glasses)
    lens = [egg(v.fx - side * (a.eye_x + 0.008), v.fy - 0.012, 0.168, a.glasses_height, a.glasses_power) for side in (-1, 1)]
    nearest = np.minimum(*lens)
    over(canvas, np.array([0.62, 0.70, 0.78], np.float32).reshape(1, 1, 1, 3), cover(nearest, v.pixel) * 0.20 * here)
    glint = smooth(0.03, 0.015, np.abs(v.fx * 0.8 + v.fy + 0.05 - 0.30 * np.sign(v.fx))) * cover(nearest + 0.02, v.pixel)
    over(canvas, WHITE, glint * 0.42 * here)
    rim = np.abs(nearest) - a.glasses_rim
    bridge = np.maximum(np.abs(v.fy + 0.012 - 0.9 * v.fx**2) - a.glasses_rim * 0.75, np.abs(v.fx) - a.eye_x + 0.150)
    temple = np.maximum(
        np.abs(v.fy + 0.03) - a.glasses_rim * 0.75,
        np.maximum(a.eye_x + 0.165 - np.abs(v.fx), np.abs(v.x) - a.head_width - 0.005),
    )
    frame = np.minimum(np.minimum(rim, bridge), temple)
    alpha = cover(frame, v.pixel) * here
    shade(canvas, 1 - 0.22 * blob(frame - 0.0, 0.035) * here * smooth(-0.2, 0.1, v.fy + 0.2))
    paint(canvas, v, "glasses", a.colour["frame"] * np.float32(1.0), alpha)
