"""Where a subject's square lies in a photo, and the crop that is cut there."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Box = tuple[int, int, int, int]
"""left, top, right, bottom in whole pixels, the last two outside."""
MIDDLE = 0.5 + 0.5j
"""Of a pixel, from its upper left corner."""
LANCZOS = 3
"""Reach of that filter, in pixels of the coarser image."""


@dataclass(frozen=True)
class Place:
    """A square in a photo that is seen as a crop of ``size`` pixels: the crop's point w is turn * z + shift for the photo's
    point z, both as complex numbers x + iy; coordinates are those of pixels' corners (the image begins at 0)."""

    size: int
    turn: complex
    shift: complex

    @property
    def side(self) -> float:
        """Of the square, in pixels of the photo."""
        return self.size / abs(self.turn)

    def corners(self) -> NDArray[np.float64]:
        """Of the square, clockwise from the crop's own upper left, (4, 2) in the photo."""
        crop = np.array([0, self.size, self.size * (1 + 1j), self.size * 1j])
        found = (crop - self.shift) / self.turn
        return np.stack([found.real, found.imag], axis=1)

    def bounds(self, width: int, height: int) -> Box:
        """The part of a photo of this size that the square's bounding box covers; empty when it lies outside."""
        (left, top), (right, bottom) = self.corners().min(0), self.corners().max(0)
        x = np.clip([np.floor(left), np.ceil(right)], 0, width).astype(int)
        y = np.clip([np.floor(top), np.ceil(bottom)], 0, height).astype(int)
        return int(x[0]), int(y[0]), int(x[1]), int(y[1])

    def seen(self, box: Box) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Where the centres of a box's pixels lie in the crop, in its sides: x and y, (h, w) each, 0..1 inside."""
        left, top, right, bottom = box
        x, y = np.arange(left, right) + 0.5, np.arange(top, bottom) + 0.5
        turn, shift = self.turn / self.size, self.shift / self.size
        across = (turn.real * x + shift.real).astype(np.float32), (turn.imag * x + shift.imag).astype(np.float32)
        down = (turn.imag * y).astype(np.float32)[:, None], (turn.real * y).astype(np.float32)[:, None]
        return across[0] - down[0], across[1] + down[1]


def place(points: NDArray[np.floating], alignment: NDArray[np.floating], size: int) -> Place | None:
    """The similarity (moved, turned, scaled; not mirrored) that brings ``points`` (P, 2) nearest to ``alignment`` (P, 2) by
    least squares; None where the points are not finite or all in one place."""
    z, w = (pairs[:, 0] + 1j * pairs[:, 1] + MIDDLE for pairs in np.asarray([points, alignment], np.float64))
    away = z - z.mean()
    spread = float((away * away.conj()).real.sum())
    turn = complex((w * away.conj()).sum() / spread) if spread > 0 else complex("nan")
    if not np.isfinite(turn) or turn == 0:
        return None
    return Place(size, turn, complex(w.mean() - turn * z.mean()))


def cut(image: NDArray[np.uint8], place: Place) -> NDArray[np.uint8]:
    """The square as a crop (size, size, 3): resized as training images are, then turned. Where it leaves the photo
    (H, W, 3), the photo's border goes on."""
    scale, angle = abs(place.turn), place.turn / abs(place.turn)
    middle = (place.size * MIDDLE - place.shift) / place.turn
    # the upright square around the turned one: whole pixels of the crop, and what the filter sees beyond
    half = place.size / 2 if angle == 1 else math.ceil(place.size / 2 * (abs(angle.real) + abs(angle.imag))) + 2
    corner = middle - half / scale * (1 + 1j)
    margin = math.ceil(LANCZOS * max(1.0, 1 / scale))
    first = math.floor(corner.real) - margin, math.floor(corner.imag) - margin
    length = math.ceil(2 * half / scale) + 2 * margin + 1
    left, top = corner.real - first[0], corner.imag - first[1]
    upright = _extended(image, first, length).resize(
        (round(2 * half), round(2 * half)),
        Image.Resampling.LANCZOS,
        box=(left, top, left + 2 * half / scale, top + 2 * half / scale),
        reducing_gap=4,
    )
    if angle == 1:
        return np.asarray(upright)
    back = angle.conjugate()
    start = half * (1 + 1j) - back * place.size * MIDDLE
    turned = [_affine(plane, (place.size, place.size), back, start) for plane in upright.split()]
    return np.rint(np.stack(turned, axis=2)).clip(0, 255).astype(np.uint8)


def _extended(image: NDArray[np.uint8], first: tuple[int, int], length: int) -> Image.Image:
    """The square of ``length`` pixels from ``first`` (left, top), with the border's pixels repeated outside the image."""
    columns, rows = (
        np.arange(start, start + length).clip(0, side - 1) for start, side in zip(first, image.shape[1::-1], strict=True)
    )
    return Image.fromarray(image[rows[:, None], columns])


def _affine(plane: Image.Image, size: tuple[int, int], turn: complex, start: complex) -> NDArray[np.float32]:
    """Pixels z of a plane of this size, taken from ``turn`` * z + ``start`` of another; 0 where that is outside."""
    matrix = (turn.real, -turn.imag, start.real, turn.imag, turn.real, start.imag)
    # in floats: Pillow truncates bytes here
    return np.asarray(plane.convert("F").transform(size, Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC))


def enlarge(values: NDArray[np.float32], place: Place, box: Box) -> NDArray[np.float32]:
    """Values of a crop (size, size, C) at the pixels of a box of the photo, (h, w, C), smoothly; 0 outside the square."""
    left, top, right, bottom = box
    size = min(place.size, max(1, round(place.side)))
    scale = size / place.size
    start = (place.shift + place.turn * complex(left, top)) * scale
    planes = []
    for channel in range(values.shape[2]):
        plane = Image.fromarray(np.ascontiguousarray(values[..., channel], np.float32))
        if scale < 1:  # a small subject: what is reduced must not alias
            plane = plane.resize((size, size), Image.Resampling.LANCZOS)
        planes.append(_affine(plane, (right - left, bottom - top), place.turn * scale, start))
    return np.stack(planes, axis=2)
