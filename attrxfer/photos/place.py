"""Where a subject's square lies in a photo, and the crop that is cut there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Box = tuple[int, int, int, int]
"""left, top, right, bottom in whole pixels, the last two outside."""


@dataclass(frozen=True)
class Place:
    """A square in a photo that is seen as a crop of ``size`` pixels: the crop's point w is turn * z + shift for the photo's
    point z, both as complex numbers x + iy; coordinates are those of pixels' corners (the picture begins at 0)."""

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


def place(points: NDArray[np.float32], alignment: NDArray[np.float32], size: int) -> Place | None:
    """The similarity (moved, turned, scaled; not mirrored) that brings ``points`` (P, 2) nearest to ``alignment`` (P, 2) by
    least squares; None where the points are not finite or all in one place."""
    z, w = (pairs[:, 0] + 1j * pairs[:, 1] + (0.5 + 0.5j) for pairs in np.asarray([points, alignment], np.float64))
    away = z - z.mean()
    spread = float((away * away.conj()).real.sum())
    turn = complex((w * away.conj()).sum() / spread) if spread > 0 else complex("nan")
    if not np.isfinite(turn) or turn == 0:
        return None
    return Place(size, turn, complex(w.mean() - turn * z.mean()))


def cut(picture: NDArray[np.uint8], place: Place) -> NDArray[np.uint8]:
    """The square as a crop (size, size, 3). It is resized first, as training pictures are, and then turned; outside the
    photo (H, W, 3) its border goes on."""
    middle = (place.size * (0.5 + 0.5j) - place.shift) / place.turn
    angle = place.turn / abs(place.turn)
    # the upright square around the turned one, with what the resampling filters see beyond it; whole pixels of the crop
    half = int(np.ceil(place.size / 2 * (abs(angle.real) + abs(angle.imag)))) + (2 if angle.imag else 0)
    scale = abs(place.turn)
    left, top = middle.real - half / scale, middle.imag - half / scale
    reach = int(np.ceil(3 * max(1.0, 1 / scale)))
    first = np.floor([left, top]).astype(int) - reach
    last = np.ceil([left + 2 * half / scale, top + 2 * half / scale]).astype(int) + reach
    rows = np.arange(first[1], last[1]).clip(0, picture.shape[0] - 1)
    columns = np.arange(first[0], last[0]).clip(0, picture.shape[1] - 1)
    region = Image.fromarray(picture[rows[:, None], columns])
    box = (left - first[0], top - first[1], left - first[0] + 2 * half / scale, top - first[1] + 2 * half / scale)
    upright = region.resize((2 * half, 2 * half), Image.Resampling.LANCZOS, box=box, reducing_gap=4)
    back = angle.conjugate()
    start = half * (1 + 1j) - back * place.size * (0.5 + 0.5j)
    if back == 1 and 2 * half == place.size:
        return np.asarray(upright)
    turned = upright.transform(
        (place.size, place.size),
        Image.Transform.AFFINE,
        (back.real, -back.imag, start.real, back.imag, back.real, start.imag),
        Image.Resampling.BICUBIC,
    )
    return np.asarray(turned)


def enlarge(values: NDArray[np.float32], place: Place, box: Box) -> NDArray[np.float32]:
    """Values of a crop (size, size, C) at the pixels of a box of the photo, (h, w, C), smoothly; 0 outside the square."""
    left, top, right, bottom = box
    values = np.ascontiguousarray(values, np.float32)
    factor = min(1.0, place.side / place.size)
    size = max(1, round(place.size * factor))
    turn, start = place.turn * (size / place.size), (place.shift + place.turn * (left + 1j * top)) * (size / place.size)
    planes = []
    for channel in range(values.shape[2]):
        plane = Image.fromarray(values[..., channel])
        if size < place.size:  # a small subject: what is reduced must not alias
            plane = plane.resize((size, size), Image.Resampling.LANCZOS)
        plane = plane.transform(
            (right - left, bottom - top),
            Image.Transform.AFFINE,
            (turn.real, -turn.imag, start.real, turn.imag, turn.real, start.imag),
            Image.Resampling.BICUBIC,
        )
        planes.append(np.asarray(plane))
    return np.stack(planes, axis=2)
