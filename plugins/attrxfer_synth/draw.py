"""Draws faces, back to front, each layer antialiased over the ones before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attrxfer_synth.anatomy import Anatomy
from attrxfer_synth.shapes import blob, box, cover, egg, ellipse, lerp, over, shade, smooth

Array = NDArray[np.float32]
BLACK = np.zeros((1, 1, 1, 3), np.float32)
WHITE = np.ones((1, 1, 1, 3), np.float32)
REGIONS = ("background", "hair", "clothes", "face", "eyes", "mouth", "glasses")
POSE_REACH = 0.17
"""How far pose can carry a feature from its place, in halves of the picture's side."""


@dataclass(frozen=True)
class View:
    """Where each pixel lies. x, y: face coordinates (N, S, S). fx, fy: those of the features, which turn further with the
    head than its outline does. pixel: side of a pixel in face coordinates (N, 1, 1). masks: filled while drawing."""

    x: Array
    y: Array
    fx: Array
    fy: Array
    pixel: Array
    masks: dict[str, Array]

    def window(self, canvas: Array, left: float, top: float, right: float, bottom: float) -> tuple[Array, View]:
        """The part of canvas and view, as slices of the same memory, where a feature within these bounds of the face can
        come to lie under any pose. Features are drawn in windows since most of the picture is not theirs."""
        rows, columns = (_span(low, high, canvas.shape[1]) for low, high in ((top, bottom), (left, right)))
        cut = [field[:, rows, columns] for field in (self.x, self.y, self.fx, self.fy)]
        masks = {name: mask[:, rows, columns] for name, mask in self.masks.items()}
        return canvas[:, rows, columns], View(*cut, self.pixel, masks)


def _span(low: float, high: float, size: int) -> slice:
    first = int(((low - POSE_REACH) + 1) / 2 * size)
    last = int(np.ceil(((high + POSE_REACH) + 1) / 2 * size))
    return slice(max(0, first), min(size, last))


def view(a: Anatomy, size: int) -> View:
    """The pixels' places under pose: shift, scale, roll, and a small turn (yaw) and nod (pitch)."""
    line = ((np.arange(size, dtype=np.float32) + 0.5) / size * 2 - 1).astype(np.float32)
    px, py = line[None, None, :] - a.shift_x, line[None, :, None] - a.shift_y
    cos, sin = np.cos(a.roll), np.sin(a.roll)
    x, y = (px * cos + py * sin) * a.scale, (-px * sin + py * cos) * a.scale
    return View(x, y, x - a.yaw, y - a.pitch, a.scale * np.float32(2 / size), {})


def draw(a: Anatomy, size: int, regions: tuple[str, ...] = ("face",)) -> tuple[Array, dict[str, Array]]:
    """Pictures (N, size, size, 3) in 0..1, and masks (N, size, size) in 0..1 of the named regions (some of REGIONS; "face",
    the visible skin, must be among them, since shading needs it)."""
    v = view(a, size)
    v.masks.update({name: np.full(v.x.shape, name == "background", np.float32) for name in regions})
    canvas = _background(a, v, size)
    _hair_behind(canvas, a, v)
    _body(canvas, a, v)
    _head(canvas, a, v)
    _age(canvas, a, v)
    _beard(canvas, a, v)
    _nose(canvas, a, v)
    for side in (-1, 1):
        _eye(canvas, a, v, side)
        _brow(canvas, a, v, side)
    _mouth(canvas, a, v)
    _hair_before(canvas, a, v)
    _glasses(canvas, a, v)
    canvas *= a.colour["light"]
    return np.clip(canvas, 0, 1), v.masks


def _background(a: Anatomy, v: View, size: int) -> Array:
    line = np.linspace(-1, 1, size, dtype=np.float32)
    fall = 1 - 0.16 * line[None, :, None] + a.background_slope * line[None, None, :]
    glow = np.exp(-((v.x**2 + v.y**2) * 0.8)) * 0.12
    return np.asarray(a.colour["background"] * (fall + glow)[..., None], np.float32)


def _paint(canvas: Array, v: View, name: str, colour: Array, alpha: Array) -> None:
    """Lay a colour over the canvas and over the masks: this pixel now belongs to ``name``."""
    over(canvas, colour, alpha)
    for region, mask in v.masks.items():
        mask *= 1 - alpha
        if region == name:
            mask += alpha


# ---------------------------------------------------------------- hair


def _strands(a: Anatomy, v: View) -> Array:
    """Hair colour with strands and a band of light, (N, S, S, 3)."""
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
    """The mass behind head and neck: nothing but a cap for short hair, down to the shoulders for long."""
    x = _waved(a, v)
    cap = np.maximum(_skull(a, v, x), v.y + 0.02)
    half = (a.hair_end + 0.3) / 2
    fall = box(x * (1 - 0.10 * smooth(-0.2, 0.9, v.y)), v.y - (a.hair_end - 0.3) / 2, a.head_width + a.hair_side, half, 0.14)
    fall = np.where(half > 0.03, fall, np.float32(1))
    _paint(canvas, v, "hair", _strands(a, v) * np.float32(0.72), cover(np.minimum(cap, fall), v.pixel))


def _hair_before(canvas: Array, a: Anatomy, v: View) -> None:
    """Hair over the forehead and, when long, in front of the cheeks' edges: the skull less an opening for the face."""
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
    _paint(canvas, v, "hair", _strands(a, v), alpha)


# ---------------------------------------------------------------- body and head


def _body(canvas: Array, a: Anatomy, v: View) -> None:
    skin, clothes = a.colour["skin"], a.colour["clothes"]
    neck = np.maximum(box(v.x, v.y - 0.75, a.neck, 0.45, 0.05), -(v.y - 0.2))
    fold = 1 - 0.33 * smooth(1.0, 0.62, v.y) - 0.12 * np.abs(v.x / a.neck) ** 2
    _paint(canvas, v, "face", skin * np.clip(fold, 0.3, 1)[..., None], cover(neck, v.pixel))
    shoulders = egg(v.x, v.y - 1.50, a.shoulders, 0.68, 2.6)
    skin_part = np.abs(v.x) * (1.25 - 0.35 * a.man) + (v.y - 0.86) - a.neckline * 1.15
    light = 1.05 - 0.30 * smooth(0.0, 0.95, np.abs(v.x - 0.15 * a.light_x)) + 0.05 * np.sin(v.x * 19) * smooth(0.85, 1.1, v.y)
    _paint(canvas, v, "face", skin * np.float32(0.86), cover(shoulders, v.pixel))
    _paint(canvas, v, "clothes", clothes * light[..., None], cover(np.maximum(shoulders, -skin_part), v.pixel))
    collar = np.maximum(np.abs(skin_part) - 0.022, shoulders)
    over(canvas, clothes * np.float32(0.68), cover(collar, v.pixel) * 0.9)


def head_distance(a: Anatomy, x: Array, y: Array) -> Array:
    """Distance to the outline of head and jaw."""
    down = np.maximum(y, 0) / a.chin
    narrow = 1 - a.jaw_taper * np.clip(down, 0, 1.2) ** 1.5
    lower = egg(x / narrow, y, a.head_width, a.chin, a.jaw_power)
    return np.where(y < 0, ellipse(x, y, a.head_width, a.crown), lower)


def _light(a: Anatomy, x: Array, y: Array) -> Array:
    """Lambert's light on an egg-shaped head."""
    nx, ny = np.clip(x / a.head_width, -1, 1), np.clip(y / (a.chin_at_rest + 0.02), -1, 1)
    nz = np.sqrt(np.clip(1 - 0.8 * nx**2 - 0.55 * ny**2, 0.05, 1))
    lit = (nx * a.light_x + ny * a.light_y + nz * 0.85) / 1.05
    return np.asarray(1 - a.light + a.light * 1.45 * np.clip(lit, 0, 1), np.float32)


def _head(canvas: Array, a: Anatomy, v: View) -> None:
    skin = a.colour["skin"]
    for side in (-1, 1):
        place, w = v.window(canvas, side * 0.54 - 0.14, -0.1, side * 0.54 + 0.14, 0.26)
        x = w.x - side * (a.head_width + 0.015)
        _paint(place, w, "face", skin * np.float32(0.88), cover(ellipse(x, w.y - 0.08, a.ear * 0.62, a.ear * 1.35), w.pixel))
        inner = ellipse(x - side * 0.01, w.y - 0.08, a.ear * 0.30, a.ear * 0.85)
        over(place, skin * np.float32(0.62), cover(inner, w.pixel) * 0.7)
    light = _light(a, v.x, v.y)
    alpha = cover(head_distance(a, v.x, v.y), v.pixel)
    _paint(canvas, v, "face", skin * light[..., None], alpha)
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


def _crease(canvas: Array, v: View, distance: Array, width: float, strength: Array) -> None:
    """A soft dark line on the skin."""
    shade(canvas, 1 - smooth(width, 0.0, np.maximum(distance, v.pixel * 0.25)) * np.clip(strength, 0, 1) * v.masks["face"])


def _age(canvas: Array, a: Anatomy, v: View) -> None:
    """Lines on the forehead, at the eyes and beside the mouth, bags and hollow cheeks; smiling folds the cheeks as well."""
    old = smooth(0.25, 1.0, a.age)
    forehead, w = v.window(canvas, -0.3, -0.4, 0.3, -0.16)
    for place in (-0.27, -0.335, -0.215):
        line = np.abs(w.fy - place - 0.10 * w.fx**2 - 0.007 * np.sin(w.fx * 17 + place * 90))
        _crease(forehead, w, line, 0.026, 0.32 * old * smooth(0.30, 0.16, np.abs(w.fx)))
    for side in (-1, 1):
        _folds(canvas, a, v, old, side)
        _eye_lines(canvas, a, v, old, side)
        _sagging(canvas, a, v, old, side)


def _folds(canvas: Array, a: Anatomy, v: View, old: Array, side: int) -> None:
    """From the nose to beside the mouth."""
    canvas, v = v.window(canvas, side * 0.22 - 0.2, 0.08, side * 0.22 + 0.2, 0.58)
    x, start, end = v.fx * side, a.nose_y - 0.02, a.mouth_y + 0.05
    share = np.clip((v.fy - start) / (end - start), 0, 1)
    path = 0.115 + (a.mouth_width - 0.03) * share + 0.045 * np.sin(np.pi * share)
    fold = np.hypot(x - path, v.fy - start - share * (end - start))
    _crease(canvas, v, fold, 0.032, 0.36 * old + 0.20 * a.smile)


def _eye_lines(canvas: Array, a: Anatomy, v: View, old: Array, side: int) -> None:
    """Bags below the eye and crow's feet beside it."""
    canvas, v = v.window(canvas, side * 0.3 - 0.24, -0.1, side * 0.3 + 0.24, 0.2)
    x = v.fx * side
    bag = np.abs(np.hypot((x - a.eye_x) / 1.35, v.fy - 0.025) - 0.09)
    _crease(canvas, v, bag, 0.028, smooth(0.03, 0.07, v.fy) * smooth(0.16, 0.10, np.abs(x - a.eye_x)) * 0.36 * old)
    for turn in (-0.5, 0.0, 0.5):
        out = x - a.eye_x - 0.135
        foot = np.hypot(out - np.clip(out, 0, 0.075), v.fy - turn * (0.02 + np.clip(out, 0, 0.075)))
        _crease(canvas, v, foot, 0.018, 0.34 * old + 0.06 * a.smile)


def _sagging(canvas: Array, a: Anatomy, v: View, old: Array, side: int) -> None:
    canvas, v = v.window(canvas, side * 0.3 - 0.3, 0.1, side * 0.3 + 0.3, 0.75)
    x = v.fx * side
    shade(canvas, 1 - blob(ellipse(x - 0.36, v.fy - 0.36, 0.03, 0.09), 0.12) * 0.14 * old * v.masks["face"])
    jowl = np.abs(ellipse(x - 0.25, v.fy - 0.53, 0.09, 0.07))
    _crease(canvas, v, jowl, 0.03, 0.15 * old * smooth(0.52, 0.60, v.fy))


def _beard(canvas: Array, a: Anatomy, v: View) -> None:
    """From a shadow to a beard: jaw, chin and moustache."""
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
    colour = lerp(a.colour["skin"] * np.float32(0.55), a.colour["brow"], np.float32(0.8))
    over(canvas, colour, where * inside * texture * np.clip(0.22 + 0.72 * smooth(0.2, 0.9, a.beard), 0, 1) * smooth(0, 0.25, a.beard))


# ---------------------------------------------------------------- features


def _nose(canvas: Array, a: Anatomy, v: View) -> None:
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
        _crease(canvas, v, wing, 0.020, 0.30 * smooth(-0.01, 0.02, side * x - a.nose_width * 0.72) * smooth(0.10, 0.02, np.abs(y)))
        nostril = ellipse(x - side * a.nose_width * 0.42, y - 0.028, 0.022, 0.011)
        over(canvas, a.colour["skin"] * np.float32(0.28), cover(nostril, v.pixel) * 0.85 * face)


def eye_edges(a: Anatomy, t: Array) -> tuple[Array, Array]:
    """How far the upper and the lower lid stand off the eye's axis, at t in -1..1 along it."""
    arc = np.clip(1 - t**2, 0, 1)
    return a.eye_height * arc**0.75, a.eye_height * 0.72 * arc


def _eye(canvas: Array, a: Anatomy, v: View, side: int) -> None:
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
    _paint(canvas, v, "eyes", np.broadcast_to(white[..., None], canvas.shape), alpha)
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


def _brow(canvas: Array, a: Anatomy, v: View, side: int) -> None:
    canvas, v = v.window(canvas, side * 0.23 - 0.2, -0.32, side * 0.23 + 0.2, -0.05)
    t = (side * v.fx - a.eye_x - 0.005) / a.brow_width
    weight = a.brow_weight * np.clip(1.08 - 0.35 * t - 0.25 * (t < -0.8), 0.1, 2)
    distance = np.maximum(np.abs(v.fy - brow_line(a, t)) - weight, (np.abs(t) - 1) * a.brow_width)
    hairs = 0.86 + 0.14 * np.sin(v.fx * 120 + v.fy * 90 * side)
    over(canvas, a.colour["brow"], cover(distance, v.pixel * 1.3) * hairs * (0.80 + 0.15 * a.man))


def mouth_edges(a: Anatomy, t: Array) -> tuple[Array, Array, Array, Array]:
    """Top of the upper lip, its lower edge, top of the lower lip and its lower edge, at t in -1..1 along the mouth."""
    arc = np.clip(1 - t**2, 0, 1)
    line = a.mouth_y + a.curve * (0.42 - t**2)
    bow = 1 - 0.28 * np.exp(-((t / 0.16) ** 2))
    gap = a.gape * arc**0.7
    return line - a.lip_up * arc**0.65 * bow, line, line + gap, line + gap + a.lip_low * arc**0.7


def _mouth(canvas: Array, a: Anatomy, v: View) -> None:
    canvas, v = v.window(canvas, -0.36, 0.30, 0.36, 0.72)
    t = v.fx / a.mouth_width
    top, line, low, bottom = mouth_edges(a, t)
    within = (np.abs(t) - 1) * a.mouth_width
    lips = np.maximum(np.maximum(top - v.fy, v.fy - bottom), within)
    light = 0.86 + 0.30 * smooth(0.0, 1.0, (v.fy - low) / (a.lip_low + 1e-3)) * smooth(1.2, 0.3, (v.fy - low) / (a.lip_low + 1e-3)) - 0.10 * (v.fy < line)
    _paint(canvas, v, "mouth", a.colour["lip"] * light[..., None], cover(lips, v.pixel))
    inside = np.maximum(np.maximum(line - v.fy, v.fy - low), within)
    hole = cover(inside, v.pixel) * smooth(0.0, 0.02, a.gape)
    depth = (v.fy - line) / (a.gape + 1e-3)
    over(canvas, np.array([0.20, 0.04, 0.05], np.float32).reshape(1, 1, 1, 3), hole)
    over(canvas, np.array([0.72, 0.30, 0.32], np.float32).reshape(1, 1, 1, 3), hole * smooth(0.62, 0.85, depth) * smooth(0.85, 0.5, np.abs(t)))
    teeth = np.float32(0.95) - 0.12 * np.abs(t) - 0.05 * (np.abs(np.mod(t * 5 + 0.5, 1) - 0.5) > 0.44)
    over(canvas, np.broadcast_to(teeth[..., None], canvas.shape), hole * smooth(0.55, 0.42, depth) * smooth(0.95, 0.75, np.abs(t)))
    seam = np.maximum(np.abs(v.fy - line) - 0.008, within - 0.012)
    over(canvas, a.colour["lip"] * np.float32(0.35), cover(seam, v.pixel) * (0.75 - 0.3 * smooth(0.0, 0.05, a.gape)))
    for side in (-1, 1):
        corner = np.hypot(v.fx - side * a.mouth_width, v.fy - a.mouth_y + a.curve * 0.58)
        shade(canvas, 1 - smooth(0.045, 0.0, corner) * (0.18 + 0.2 * a.smile))


def _glasses(canvas: Array, a: Anatomy, v: View) -> None:
    canvas, v = v.window(canvas, -0.6, -0.2, 0.6, 0.2)
    here = smooth(0.25, 0.75, a.glasses)
    lens = [egg(v.fx - side * (a.eye_x + 0.008), v.fy - 0.012, 0.168, a.glasses_height, a.glasses_power) for side in (-1, 1)]
    nearest = np.minimum(*lens)
    over(canvas, np.array([0.62, 0.70, 0.78], np.float32).reshape(1, 1, 1, 3), cover(nearest, v.pixel) * 0.20 * here)
    glint = smooth(0.03, 0.015, np.abs(v.fx * 0.8 + v.fy + 0.05 - 0.30 * np.sign(v.fx))) * cover(nearest + 0.02, v.pixel)
    over(canvas, WHITE, glint * 0.42 * here)
    rim = np.abs(nearest) - a.glasses_rim
    bridge = np.maximum(np.abs(v.fy + 0.012 - 0.9 * v.fx**2) - a.glasses_rim * 0.75, np.abs(v.fx) - a.eye_x + 0.150)
    temple = np.maximum(np.abs(v.fy + 0.03) - a.glasses_rim * 0.75, np.maximum(a.eye_x + 0.165 - np.abs(v.fx), np.abs(v.x) - a.head_width - 0.005))
    frame = np.minimum(np.minimum(rim, bridge), temple)
    alpha = cover(frame, v.pixel) * here
    shade(canvas, 1 - 0.22 * blob(frame - 0.0, 0.035) * here * smooth(-0.2, 0.1, v.fy + 0.2))
    _paint(canvas, v, "glasses", a.colour["frame"] * np.float32(1.0), alpha)
