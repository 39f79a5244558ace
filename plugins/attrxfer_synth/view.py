"""Where each pixel of an image lies on the face under its pose, and laying colours there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attrxfer_synth.anatomy import Anatomy
from attrxfer_synth.shapes import over, shade, smooth

Array = NDArray[np.floating[Any]]
POSE_REACH = 0.17
"""How far pose can carry a feature from its place, in halves of the image's side."""


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
        come to lie under any pose. Features are drawn in windows since most of the image is not theirs."""
        rows, columns = (_span(low, high, canvas.shape[1]) for low, high in ((top, bottom), (left, right)))
        x, y, fx, fy = (field[:, rows, columns] for field in (self.x, self.y, self.fx, self.fy))
        masks = {name: mask[:, rows, columns] for name, mask in self.masks.items()}
        return canvas[:, rows, columns], View(x, y, fx, fy, self.pixel, masks)


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


def paint(canvas: Array, v: View, name: str, colour: Array, alpha: Array) -> None:
    """Lay a colour over the canvas and over the masks: this pixel now belongs to ``name``."""
    over(canvas, colour, alpha)
    for region, mask in v.masks.items():
        mask *= 1 - alpha
        if region == name:
            mask += alpha


def crease(canvas: Array, v: View, distance: Array, width: float, strength: Array) -> None:
    """A soft dark line on the skin."""
    shade(canvas, 1 - smooth(width, 0.0, np.maximum(distance, v.pixel * 0.25)) * np.clip(strength, 0, 1) * v.masks["face"])
