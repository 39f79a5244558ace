"""Draws faces in antialiased layers, from back to front."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from attrxfer_synth import features
from attrxfer_synth.anatomy import Anatomy
from attrxfer_synth.shapes import blob, box, cover, egg, ellipse, lerp, over, shade, smooth
from attrxfer_synth.view import View, crease, paint, view

Array = NDArray[np.floating[Any]]
REGIONS = ("background", "hair", "clothes", "face", "eyes", "mouth", "glasses")


def draw(a: Anatomy, size: int, regions: tuple[str, ...] = ("face",)) -> tuple[Array, dict[str, Array]]:
    """Draw faces.

    Args:
        a: Measures and colours of N faces.
        size: Side of the images in pixels.
        regions: The masks to compute, some of ``REGIONS``. "face", the visible skin, must be one: shading uses it.

    Returns:
        Images (N, size, size, 3) in 0..1, and masks (N, size, size) in 0..1 by name.
    """
    v = view(a, size)
    v.masks.update({name: np.full(v.x.shape, name == "background", np.float32) for name in regions})
    canvas = _background(a, v, size)
    _hair_behind(canvas, a, v)
    _body(canvas, a, v)
    _head(canvas, a, v)
    _age(canvas, a, v)
    _beard(canvas, a, v)
    features.nose(canvas, a, v)
    for side in (-1, 1):
        features.eye(canvas, a, v, side)
        features.brow(canvas, a, v, side)
    features.mouth(canvas, a, v)
    _hair_before(canvas, a, v)
    features.glasses(canvas, a, v)
    canvas *= a.colour["light"]
    return np.clip(canvas, 0, 1), v.masks


def _background(a: Anatomy, v: View, size: int) -> Array:
    line = np.linspace(-1, 1, size, dtype=np.float32)
    fall = 1 - 0.16 * line[None, :, None] + a.background_slope * line[None, None, :]
    glow = np.exp(-((v.x**2 + v.y**2) * 0.8)) * 0.12
    return np.asarray(a.colour["background"] * (fall + glow)[..., None], np.float32)


# ---------------------------------------------------------------- hair


def _strands(a: Anatomy, v: View) -> Array:
    """Colour of the hair with strands and a band of light (N, S, S, 3)."""
    flow = v.x + 0.25 * np.sin(v.y * 3 + a.parting * 9) * (0.3 + a.hair_wave * 12)
    strand = 0.5 + 0.3 * np.sin(flow * 61 + np.sin(v.y * 7 + v.x * 5) * 1.4) + 0.2 * np.sin(flow * 23 + a.parting * 30)
    band = np.exp(-(((v.y + 0.52 + 0.25 * v.x**2 - 0.10 * a.light_x * v.x) / 0.10) ** 2))
    light = 0.88 + 0.15 * strand + 0.32 * band * (0.6 + 0.4 * strand) - 0.10 * smooth(0.1, 1.0, v.y)
    shine = (0.06 * band)[..., None]
    return np.asarray(a.colour["hair"] * light[..., None] + shine, np.float32)


def _waved(a: Anatomy, v: View) -> Array:
    return np.asarray(v.x + a.hair_wave * np.sin(v.y * 13 + np.sign(v.x) * 1.5), np.float32)


def _skull(a: Anatomy, v: View, x: Array) -> Array:
    width, height = a.head_width + a.hair_volume * 0.9, a.crown + a.hair_volume
    return np.where(v.y < 0, ellipse(x, v.y, width, height), np.abs(x) - width)


def _hair_behind(canvas: Array, a: Anatomy, v: View) -> None:
    """Hair behind head and neck: a cap for short hair, down to the shoulders for long hair."""
    x = _waved(a, v)
    cap = np.maximum(_skull(a, v, x), v.y + 0.02)
    half = (a.hair_end + 0.3) / 2
    fall = box(x * (1 - 0.10 * smooth(-0.2, 0.9, v.y)), v.y - (a.hair_end - 0.3) / 2, a.head_width + a.hair_side, half, 0.14)
    fall = np.where(half > 0.03, fall, np.float32(1))
    paint(canvas, v, "hair", _strands(a, v) * np.float32(0.72), cover(np.minimum(cap, fall), v.pixel))


def _hair_before(canvas: Array, a: Anatomy, v: View) -> None:
    """Hair over the forehead and, when long, over the edges of the cheeks: the skull without an opening for the face."""
    x, woman, away = _waved(a, v), 1 - a.man, np.abs(v.fx)
    tufts = 0.016 * np.sin(v.fx * 26 + a.parting * 40)
    curtain = 0.42 * (np.abs(v.fx - a.parting) / 0.6) ** 1.6
    straight = 0.05 * smooth(0.15, 0.42, away) - a.temple * smooth(0.10, 0.25, away) * smooth(0.42, 0.30, away)
    hairline = v.fy - a.hairline - curtain * woman - (straight + tufts) * a.man
    opening = a.head_width * (0.93 - 0.13 * woman) - away
    sides = np.maximum(opening, v.y - lerp(-0.06, a.hair_end, woman))
    fallen = np.abs(x * (1 - 0.10 * smooth(-0.2, 0.9, v.y))) - a.head_width - a.hair_side * smooth(-0.05, 0.15, v.y)
    outline = np.where(v.y < 0, _skull(a, v, x), fallen - a.hair_volume * 0.9 * smooth(0.25, 0.0, v.y))
    front = np.maximum(outline, np.minimum(hairline, sides))
    alpha = cover(front, v.pixel)
    shade(canvas, 1 - 0.22 * blob(front, 0.09) * (1 - alpha) * v.masks["face"])
    paint(canvas, v, "hair", _strands(a, v), alpha)


# ---------------------------------------------------------------- body and head


def _body(canvas: Array, a: Anatomy, v: View) -> None:
    skin, clothes = a.colour["skin"], a.colour["clothes"]
    neck = np.maximum(box(v.x, v.y - 0.75, a.neck, 0.45, 0.05), -(v.y - 0.2))
    fold = 1 - 0.33 * smooth(1.0, 0.62, v.y) - 0.12 * np.abs(v.x / a.neck) ** 2
    paint(canvas, v, "face", skin * np.clip(fold, 0.3, 1)[..., None], cover(neck, v.pixel))
    shoulders = egg(v.x, v.y - 1.50, a.shoulders, 0.68, 2.6)
    skin_part = np.abs(v.x) * (1.25 - 0.35 * a.man) + (v.y - 0.86) - a.neckline * 1.15
    light = 1.05 - 0.30 * smooth(0.0, 0.95, np.abs(v.x - 0.15 * a.light_x)) + 0.05 * np.sin(v.x * 19) * smooth(0.85, 1.1, v.y)
    paint(canvas, v, "face", skin * np.float32(0.86), cover(shoulders, v.pixel))
    paint(canvas, v, "clothes", clothes * light[..., None], cover(np.maximum(shoulders, -skin_part), v.pixel))
    collar = np.maximum(np.abs(skin_part) - 0.022, shoulders)
    over(canvas, clothes * np.float32(0.68), cover(collar, v.pixel) * 0.9)


def head_distance(a: Anatomy, x: Array, y: Array) -> Array:
    """Distance to the outline of head and jaw."""
    down = np.maximum(y, 0) / a.chin
    narrow = 1 - a.jaw_taper * np.clip(down, 0, 1.2) ** 1.5
    lower = egg(x / narrow, y, a.head_width, a.chin, a.jaw_power)
    return np.where(y < 0, ellipse(x, y, a.head_width, a.crown), lower)


def _light(a: Anatomy, x: Array, y: Array) -> Array:
    """Lambertian shading of an egg-shaped head."""
    nx, ny = np.clip(x / a.head_width, -1, 1), np.clip(y / (a.chin_at_rest + 0.02), -1, 1)
    nz = np.sqrt(np.clip(1 - 0.8 * nx**2 - 0.55 * ny**2, 0.05, 1))
    lit = (nx * a.light_x + ny * a.light_y + nz * 0.85) / 1.05
    return np.asarray(1 - a.light + a.light * 1.45 * np.clip(lit, 0, 1), np.float32)


def _head(canvas: Array, a: Anatomy, v: View) -> None:
    skin = a.colour["skin"]
    for side in (-1, 1):
        place, w = v.window(canvas, side * 0.54 - 0.14, -0.1, side * 0.54 + 0.14, 0.26)
        x = w.x - side * (a.head_width + 0.015)
        paint(
            place,
            w,
            "face",
            skin * np.float32(0.88),
            cover(ellipse(x, w.y - 0.08, a.ear * 0.62, a.ear * 1.35), w.pixel),
        )
        inner = ellipse(x - side * 0.01, w.y - 0.08, a.ear * 0.30, a.ear * 0.85)
        over(place, skin * np.float32(0.62), cover(inner, w.pixel) * 0.7)
    light = _light(a, v.x, v.y)
    alpha = cover(head_distance(a, v.x, v.y), v.pixel)
    paint(canvas, v, "face", skin * light[..., None], alpha)
    blush = np.array([0.86, 0.36, 0.34], np.float32).reshape(1, 1, 1, 3)
    for side in (-1, 1):
        place, w = v.window(canvas, side * 0.27 - 0.25, -0.2, side * 0.27 + 0.25, 0.48)
        cheek = ellipse(w.fx - side * 0.29, w.fy - 0.24 + 0.03 * a.smile, 0.05, 0.03)
        over(place, blush, w.masks["face"] * blob(cheek, 0.15) * (0.10 + 0.14 * (1 - a.man)) * (1 - 0.6 * a.age))
        socket = ellipse(w.fx - side * a.eye_x, w.fy + 0.015, 0.10, 0.055)
        shade(place, 1 - w.masks["face"] * blob(socket, 0.09) * 0.13)
    place, w = v.window(canvas, -0.2, 0.5, 0.2, 0.75)
    lip = ellipse(w.fx, w.fy - a.mouth_y - 0.16 - a.gape, 0.09, 0.012)
    shade(place, 1 - w.masks["face"] * blob(lip, 0.06) * 0.14)


# ---------------------------------------------------------------- age and beard


def _age(canvas: Array, a: Anatomy, v: View) -> None:
    """Lines on the forehead, at the eyes and beside the mouth, bags below the eyes, hollow cheeks. A smile folds cheeks too."""
    old = smooth(0.25, 1.0, a.age)
    forehead, w = v.window(canvas, -0.3, -0.4, 0.3, -0.16)
    for place in (-0.27, -0.335, -0.215):
        line = np.abs(w.fy - place - 0.10 * w.fx**2 - 0.007 * np.sin(w.fx * 17 + place * 90))
        crease(forehead, w, line, 0.026, 0.32 * old * smooth(0.30, 0.16, np.abs(w.fx)))
    for side in (-1, 1):
        _folds(canvas, a, v, old, side)
        _eye_lines(canvas, a, v, old, side)
        _sagging(canvas, a, v, old, side)


def _folds(canvas: Array, a: Anatomy, v: View, old: Array, side: int) -> None:
    """The fold from the nose to beside the mouth."""
    canvas, v = v.window(canvas, side * 0.22 - 0.2, 0.08, side * 0.22 + 0.2, 0.58)
    x, start, end = v.fx * side, a.nose_y - 0.02, a.mouth_y + 0.05
    share = np.clip((v.fy - start) / (end - start), 0, 1)
    path = 0.115 + (a.mouth_width - 0.03) * share + 0.045 * np.sin(np.pi * share)
    fold = np.hypot(x - path, v.fy - start - share * (end - start))
    crease(canvas, v, fold, 0.032, 0.36 * old + 0.20 * a.smile)


def _eye_lines(canvas: Array, a: Anatomy, v: View, old: Array, side: int) -> None:
    """Bags below the eye and crow's feet beside it."""
    canvas, v = v.window(canvas, side * 0.3 - 0.24, -0.1, side * 0.3 + 0.24, 0.2)
    x = v.fx * side
    bag = np.abs(np.hypot((x - a.eye_x) / 1.35, v.fy - 0.025) - 0.09)
    crease(canvas, v, bag, 0.028, smooth(0.03, 0.07, v.fy) * smooth(0.16, 0.10, np.abs(x - a.eye_x)) * 0.36 * old)
    for slope in (-0.5, 0.0, 0.5):
        out = x - a.eye_x - 0.135
        foot = np.hypot(out - np.clip(out, 0, 0.075), v.fy - slope * (0.02 + np.clip(out, 0, 0.075)))
        crease(canvas, v, foot, 0.018, 0.34 * old + 0.06 * a.smile)


def _sagging(canvas: Array, a: Anatomy, v: View, old: Array, side: int) -> None:
    canvas, v = v.window(canvas, side * 0.3 - 0.3, 0.1, side * 0.3 + 0.3, 0.75)
    x = v.fx * side
    shade(canvas, 1 - blob(ellipse(x - 0.36, v.fy - 0.36, 0.03, 0.09), 0.12) * 0.14 * old * v.masks["face"])
    jowl = np.abs(ellipse(x - 0.25, v.fy - 0.53, 0.09, 0.07))
    crease(canvas, v, jowl, 0.03, 0.15 * old * smooth(0.52, 0.60, v.fy))


def _beard(canvas: Array, a: Anatomy, v: View) -> None:
    """Beard on jaw and chin, and moustache; a weak beard is a shadow."""
    canvas, v = v.window(canvas, -0.6, 0.05, 0.6, 0.85)
    jaw = smooth(0.16, 0.40, v.fy + 0.9 * np.maximum(np.abs(v.fx) - 0.20, 0))
    cheeks = ellipse(v.fx, v.fy - 0.14, 0.37, 0.30)
    around = smooth(-0.02, 0.06, cheeks)
    moustache = blob(ellipse(v.fx, v.fy - (a.nose_y + a.mouth_y) / 2 - 0.025, 0.15, 0.022), 0.045)
    chin = blob(ellipse(v.fx, v.fy - a.mouth_y - 0.19, 0.14, 0.10), 0.12)
    lips = blob(ellipse(v.fx, v.fy - a.mouth_y, 0.15, 0.025), 0.03)
    where = np.clip(np.maximum(np.maximum(jaw * around, moustache), chin) - lips, 0, 1)
    texture = 0.93 + 0.07 * np.sin(v.x * 71 + v.y * 23) * np.sin(v.y * 67 - v.x * 31)
    inside = cover(head_distance(a, v.x, v.y), v.pixel) * v.masks["face"]
    colour = lerp(a.colour["skin"] * np.float32(0.55), a.colour["brow"], 0.8)
    over(
        canvas,
        colour,
        where * inside * texture * np.clip(0.22 + 0.72 * smooth(0.2, 0.9, a.beard), 0, 1) * smooth(0, 0.25, a.beard),
    )
