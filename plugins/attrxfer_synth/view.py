"""Where each pixel of an image lies on the face under its pose, and functions that paint there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attrxfer_synth.anatomy import Anatomy
from attrxfer_synth.shapes import over, shade, smooth

Array = NDArray[np.floating[Any]]
POSE_REACH = 0.17
"""Greatest distance by which the pose moves a feature, in halves of the image's side."""


@dataclass(frozen=True)
class View:
    """Where each pixel lies.

    Attributes:
        x: Face coordinate (N, S, S).
        y: Face coordinate (N, S, S).
        fx: x for features, which move more with the head than its outline does.
        fy: y for features.
        pixel: Side of a pixel in face coordinates (N, 1, 1).
        masks: Masks (N, S, S) in 0..1 by region; they are filled while drawing.
    """

    x: Array
    y: Array
    fx: Array
    fy: Array
    pixel: Array
    masks: dict[str, Array]

    def window(self, canvas: Array, left: float, top: float, right: float, bottom: float) -> tuple[Array, View]:
        """The part of the canvas and of the view where a feature within these bounds can lie under any pose.

        Both are slices of the same memory. Drawing a small feature only in its window saves time.

        Args:
            canvas: (N, S, S, 3).
            left: Bound in face coordinates, as are ``top``, ``right`` and ``bottom``.
            top: Bound.
            right: Bound.
            bottom: Bound.
        """
        rows, columns = (_span(low, high, canvas.shape[1]) for low, high in ((top, bottom), (left, right)))
        x, y, fx, fy = (field[:, rows, columns] for field in (self.x, self.y, self.fx, self.fy))
        masks = {name: mask[:, rows, columns] for name, mask in self.masks.items()}
        return canvas[:, rows, columns], View(x, y, fx, fy, self.pixel, masks)


def _span(low: float, high: float, size: int) -> slice:
    first = int(((low - POSE_REACH) + 1) / 2 * size)
    last = int(np.ceil(((high + POSE_REACH) + 1) / 2 * size))
    return slice(max(0, first), min(size, last))


def view(a: Anatomy, size: int) -> View:
    """Where each pixel lies under the pose: shift, scale, roll, and small yaw and pitch."""
    line = ((np.arange(size, dtype=np.float32) + 0.5) / size * 2 - 1).astype(np.float32)
    px, py = line[None, None, :] - a.shift_x, line[None, :, None] - a.shift_y
    cos, sin = np.cos(a.roll), np.sin(a.roll)
    x, y = (px * cos + py * sin) * a.scale, (-px * sin + py * cos) * a.scale
    return View(x, y, x - a.yaw, y - a.pitch, a.scale * np.float32(2 / size), {})


def paint(canvas: Array, v: View, name: str, colour: Array, alpha: Array) -> None:
    """Lay a colour over the canvas, and give the covered share of each pixel to region ``name`` in the masks."""
    over(canvas, colour, alpha)
    for region, mask in v.masks.items():
        mask *= 1 - alpha
        if region == name:
            mask += alpha


def crease(canvas: Array, v: View, distance: Array, width: float, strength: Array) -> None:
    """Darken the skin along a soft line."""
    shade(canvas, 1 - smooth(width, 0.0, np.maximum(distance, v.pixel * 0.25)) * np.clip(strength, 0, 1) * v.masks["face"])
