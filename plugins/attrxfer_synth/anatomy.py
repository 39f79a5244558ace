"""Computes the measures and colours of a face from its traits and attributes.

Measures are in face coordinates: 0, 0 is the middle of the face, x grows to the right, y down, and the image spans about
-1..1. Left and right are the viewer's. Each attribute changes several measures.
"""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attrxfer_synth.shapes import lerp
from attrxfer_synth.traits import Values

Array = NDArray[np.floating[Any]]

SKIN = np.array(
    [[0.30, 0.18, 0.12], [0.48, 0.31, 0.21], [0.68, 0.47, 0.34], [0.84, 0.64, 0.50], [0.94, 0.77, 0.66]], np.float32
)
HAIR = np.array(
    [
        [0.06, 0.05, 0.06],
        [0.13, 0.08, 0.06],
        [0.25, 0.15, 0.09],
        [0.40, 0.24, 0.12],
        [0.55, 0.26, 0.12],
        [0.78, 0.60, 0.34],
    ],
    np.float32,
)
IRIS = np.array([[0.16, 0.09, 0.05], [0.33, 0.20, 0.10], [0.30, 0.38, 0.20], [0.25, 0.42, 0.58]], np.float32)
FRAMES = np.array([[0.05, 0.05, 0.06], [0.22, 0.10, 0.06], [0.10, 0.14, 0.30], [0.45, 0.08, 0.12]], np.float32)
LIPS = np.array([[0.80, 0.22, 0.28], [0.72, 0.16, 0.34], [0.86, 0.34, 0.36]], np.float32)
GREY = np.array([0.80, 0.80, 0.81], np.float32)


@dataclass(frozen=True)
class Anatomy:
    """Measures and colours of N faces. Measures are also attributes: ``anatomy.eye_x``.

    Attributes:
        measure: Name -> (N, 1, 1).
        colour: Name -> RGB (N, 1, 1, 3) in 0..1.
    """

    measure: dict[str, Array]
    colour: dict[str, Array]

    def __getattr__(self, name: str) -> Array:
        try:
            return self.measure[name]
        except KeyError:
            raise AttributeError(name) from None


def anatomy(traits: Values, attributes: Values) -> Anatomy:
    """Compute measures and colours.

    Args:
        traits: Name -> (N,) in 0..1.
        attributes: Name -> (N,) in 0..1.
    """
    t = {name: values.astype(np.float32).reshape(-1, 1, 1) for name, values in {**traits, **attributes}.items()}
    measure = {**_head(t), **_eyes(t), **_nose_and_mouth(t), **_hair(t), **_extras(t), **_pose(t)}
    return Anatomy({name: np.asarray(value, np.float32) for name, value in measure.items()}, _colours(t))


def _head(t: Values) -> Values:
    man, old, gape = t["Male"], 1 - t["Young"], t["Mouth_Slightly_Open"]
    return {
        "head_width": lerp(0.475, 0.545, t["face_width"]) + 0.025 * man,
        "crown": lerp(0.66, 0.70, t["face_length"]),
        "chin": lerp(0.66, 0.74, t["face_length"]) + 0.03 * man + 0.02 * gape,
        "chin_at_rest": lerp(0.66, 0.74, t["face_length"]) + 0.03 * man,
        "jaw_power": lerp(2.0, 2.25, t["jaw"]) + 0.55 * man + 0.15 * old,
        "jaw_taper": lerp(0.22, 0.10, t["chin"]) - 0.10 * man,
        "ear": lerp(0.075, 0.11, t["ear_size"]),
        "neck": lerp(0.22, 0.25, t["face_width"]) + 0.09 * man,
        "shoulders": lerp(0.74, 0.80, t["face_width"]) + 0.16 * man,
        "neckline": lerp(0.10, 0.22, t["neckline"]) * (1.5 - man),
        "age": old,
        "man": man,
    }


def _eyes(t: Values) -> Values:
    man, old, smile = t["Male"], 1 - t["Young"], t["Smiling"]
    size = lerp(0.92, 1.1, t["eye_size"]) * (1.08 - 0.14 * man)
    return {
        "eye_x": lerp(0.205, 0.245, t["eye_distance"]),
        "eye_y": 0.0 * man,
        "eye_width": 0.120 * size,
        "eye_height": 0.068 * size * (1 - 0.3 * smile) * (1 - 0.15 * old),
        "eye_tilt": lerp(-0.10, 0.16, t["eye_tilt"]),
        "iris": 0.054 * size**0.5,
        "lash": 0.010 + 0.016 * (1 - man),
        "shadow": 0.55 * (1 - man),
        "brow_y": -lerp(0.135, 0.165, t["brow_height"]) - 0.03 * (1 - man) - 0.008 * smile,
        "brow_weight": lerp(0.014, 0.020, t["brow_weight"]) * (0.75 + 0.95 * man),
        "brow_arch": 0.030 + 0.035 * (1 - man),
        "brow_slope": lerp(-0.12, 0.12, t["brow_slope"]),
        "brow_width": 0.135 + 0.015 * man,
    }


def _nose_and_mouth(t: Values) -> Values:
    man, smile, gape = t["Male"], t["Smiling"], t["Mouth_Slightly_Open"]
    full = lerp(0.8, 1.25, t["lip_fullness"])
    return {
        "nose_y": lerp(0.21, 0.26, t["nose_length"]),
        "nose_width": lerp(0.075, 0.105, t["nose_width"]) + 0.015 * man,
        "mouth_y": lerp(0.425, 0.46, t["mouth_height"]) - 0.015 * smile,
        "mouth_width": lerp(0.165, 0.205, t["mouth_width"]) * (1 + 0.32 * smile),
        "curve": -0.006 + 0.110 * smile,
        "gape": (0.115 + 0.02 * smile) * gape,
        "lip_up": (0.036 - 0.010 * man) * full * (1 - 0.25 * smile),
        "lip_low": (0.052 - 0.012 * man) * full * (1 - 0.2 * smile),
        "smile": smile,
    }


def _hair(t: Values) -> Values:
    man, old = t["Male"], 1 - t["Young"]
    return {
        "hair_volume": lerp(0.07, 0.12, t["hair_volume"]) + 0.025 * (1 - man),
        "hair_end": lerp(-0.25, lerp(0.82, 1.0, t["hair_length"]), 1 - man),
        "hair_side": lerp(-0.03, 0.13, 1 - man),
        "hair_wave": lerp(0.0, 0.035, t["hair_wave"]) * (1 - 0.6 * man),
        "parting": lerp(-0.24, 0.24, t["parting"]),
        "hairline": lerp(-0.44, -0.36, t["hairline"]) - 0.17 * old * man * (0.4 + t["hairline"]) - 0.02 * old,
        "temple": 0.03 + 0.11 * old * man,
        "beard": man * np.clip(2.2 * t["beard"] - 0.6, 0.12, 1),
        "grey": np.clip(old * 1.15 - 0.08, 0, 1),
    }


def _extras(t: Values) -> Values:
    return {
        "glasses": t["Eyeglasses"],
        "glasses_power": lerp(2.2, 5.0, t["glasses_shape"]),
        "glasses_height": lerp(0.115, 0.092, t["glasses_shape"]),
        "glasses_rim": lerp(0.017, 0.026, t["glasses_colour"]),
    }


def _pose(t: Values) -> Values:
    return {
        "yaw": lerp(-0.055, 0.055, t["yaw"]),
        "pitch": lerp(-0.025, 0.025, t["pitch"]),
        "roll": lerp(-0.09, 0.09, t["roll"]),
        "shift_x": lerp(-0.04, 0.04, t["shift_x"]),
        "shift_y": lerp(-0.05, 0.01, t["shift_y"]),
        "scale": lerp(0.93, 1.02, t["scale"]),
        "light_x": lerp(-0.65, 0.65, t["light_x"]),
        "light_y": lerp(-0.55, -0.1, t["light_y"]),
        "light": lerp(0.22, 0.42, t["light_strength"]),
        "background_slope": lerp(-0.25, 0.25, t["background_slope"]),
    }


def _colours(t: Values) -> Values:
    man, old = t["Male"][..., None], 1 - t["Young"][..., None]
    skin = _along(SKIN, t["skin"]) * (1 + (t["skin_warmth"][..., None] - 0.5) * np.array([0.06, 0, -0.10], np.float32))
    skin = skin + (skin.mean(-1, keepdims=True) - skin) * 0.18 * old
    hair = _along(HAIR, t["hair_colour"])
    grey = np.clip(old * 1.15 - 0.08, 0, 1)
    natural = skin * np.array([0.88, 0.62, 0.60], np.float32)
    painted = lerp(skin * np.array([0.95, 0.55, 0.56], np.float32), _along(LIPS, t["lip_colour"]), 0.62)
    warmth = (t["light_warmth"][..., None] - 0.5) * np.array([0.10, 0.0, -0.10], np.float32)
    return {
        "skin": skin,
        "hair": hair + (GREY - hair) * 0.82 * grey,
        "brow": hair * 0.75 + (GREY * 0.8 - hair * 0.75) * 0.55 * grey,
        "lip": lerp(painted, natural, man),
        "iris": _along(IRIS, t["eye_colour"]),
        "frame": _along(FRAMES, t["glasses_colour"]),
        "clothes": _hue(t["clothes_hue"], 0.45, 0.25 + 0.6 * t["clothes_light"]),
        "background": _hue(t["background_hue"], 0.08 + 0.3 * t["background_colour"], 0.38 + 0.5 * t["background_light"]),
        "eyelid": lerp(_hue(t["lip_colour"] * 0.35 + 0.6, 0.35, 0.45 + 0 * man[..., 0]), skin * 0.75, 0.4),
        "light": 1 + warmth,
    }


def _along(palette: Array, share: Array) -> Array:
    """Interpolate a palette at ``share`` (N, 1, 1) in 0..1 of its length: (N, 1, 1, 3)."""
    place = np.clip(share, 0, 1) * (len(palette) - 1)
    low = np.minimum(place.astype(int), len(palette) - 2)
    return lerp(palette[low], palette[low + 1], (place - low)[..., None])


def _hue(hue: Array, saturation: Array | float, light: Array | float) -> Array:
    rows = np.broadcast_arrays(hue, saturation, light)
    colours = [colorsys.hsv_to_rgb(*map(float, row)) for row in zip(*(r.ravel() for r in rows), strict=True)]
    return np.array(colours, np.float32).reshape(-1, 1, 1, 3)
