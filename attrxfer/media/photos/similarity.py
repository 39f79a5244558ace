"""Where the square of a subject lies in a photo, and the crop that is cut there."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Box = tuple[int, int, int, int]
"""left, top, right, bottom in whole pixels; the last two lie outside."""
PIXEL_CENTRE = 0.5 + 0.5j
"""Centre of a pixel, from its upper left corner."""
LANCZOS = 3
"""Reach of that filter, in pixels of the coarser image."""
UPRIGHT = 1e-9
"""Rotations below this angle in radians are rounding errors."""


@dataclass(frozen=True)
class Similarity:
    """The similarity transform from a photo to a crop: w = rotation * z + translation.

    Points are complex numbers x + iy in pixels. The image begins at 0: a pixel's centre is half a pixel from its corner.

    Attributes:
        size: Side of the crop in pixels.
        rotation: Its angle is that of the rotation, its absolute value the scale.
        translation: In pixels of the crop.
    """

    size: int
    rotation: complex
    translation: complex

    @property
    def side(self) -> float:
        """Side of the crop's square in pixels of the photo."""
        return self.size / abs(self.rotation)

    def corners(self) -> NDArray[np.float64]:
        """Corners (4, 2) of the square in the photo, clockwise from the crop's own upper left."""
        crop = np.array([0, self.size, self.size * (1 + 1j), self.size * 1j])
        photo = (crop - self.translation) / self.rotation
        return np.stack([photo.real, photo.imag], axis=1)

    def bounding_box(self, width: int, height: int) -> Box:
        """The bounding box of the square within a photo of this size; empty where the square lies outside."""
        (left, top), (right, bottom) = self.corners().min(0), self.corners().max(0)
        x = np.clip([np.floor(left), np.ceil(right)], 0, width).astype(int)
        y = np.clip([np.floor(top), np.ceil(bottom)], 0, height).astype(int)
        return int(x[0]), int(y[0]), int(x[1]), int(y[1])

    def coordinates(self, box: Box) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Where the pixels of a box of the photo lie in the crop.

        Returns:
            x and y of the pixels' centres, (h, w) each, in sides of the crop: 0..1 inside.
        """
        left, top, right, bottom = box
        x, y = np.arange(left, right) + 0.5, np.arange(top, bottom) + 0.5
        rotation, translation = self.rotation / self.size, self.translation / self.size
        across = (
            (rotation.real * x + translation.real).astype(np.float32),
            (rotation.imag * x + translation.imag).astype(np.float32),
        )
        down = (rotation.imag * y).astype(np.float32)[:, None], (rotation.real * y).astype(np.float32)[:, None]
        return across[0] - down[0], across[1] + down[1]


def estimate_similarity(points: NDArray[np.floating], alignment: NDArray[np.floating], size: int) -> Similarity | None:
    """The similarity transform that brings points nearest to an alignment, by least squares; it never mirrors.

    Args:
        points: (P, 2), x and y in pixels of the photo; the centre of the first pixel is 0, 0.
        alignment: (P, 2), likewise in pixels of the crop.
        size: Side of the crop in pixels.

    Returns:
        The transform; None where points are not finite or all in one place.
    """
    from skimage.transform import SimilarityTransform  # takes a while to import

    # from pixel centres to the corners that the image begins at
    photo, crop = (np.asarray(each, np.float64) + 0.5 for each in (points, alignment))
    if not (np.isfinite(photo).all() and np.isfinite(crop).all()):
        return None
    estimate = SimilarityTransform.from_estimate(photo, crop)
    if not estimate:
        return None
    matrix = estimate.params
    return Similarity(size, complex(matrix[0, 0], matrix[1, 0]), complex(matrix[0, 2], matrix[1, 2]))


def extract_crop(image: NDArray[np.uint8], similarity: Similarity) -> NDArray[np.uint8]:
    """Cut a square out of a photo: resized as training images are, then rotated.

    Args:
        image: uint8 (H, W, 3). Where the square leaves it, its border is repeated.
        similarity: The square.

    Returns:
        uint8 (size, size, 3).
    """
    size, scale, angle = similarity.size, abs(similarity.rotation), similarity.rotation / abs(similarity.rotation)
    upright = abs(angle - 1) < UPRIGHT
    centre = (size * PIXEL_CENTRE - similarity.translation) / similarity.rotation
    # the upright square around the rotated one: whole pixels of the crop, and what the filter sees beyond
    half = size / 2 if upright else math.ceil(size / 2 * (abs(angle.real) + abs(angle.imag))) + 2
    corner = centre - half / scale * (1 + 1j)
    margin = math.ceil(LANCZOS * max(1.0, 1 / scale))
    first = math.floor(corner.real) - margin, math.floor(corner.imag) - margin
    length = math.ceil(2 * half / scale) + 2 * margin + 1
    left, top = corner.real - first[0], corner.imag - first[1]
    resized = _extended(image, first, length).resize(
        (round(2 * half), round(2 * half)),
        Image.Resampling.LANCZOS,
        box=(left, top, left + 2 * half / scale, top + 2 * half / scale),
        reducing_gap=4,
    )
    if upright:
        return np.asarray(resized)
    back = angle.conjugate()
    start = half * (1 + 1j) - back * size * PIXEL_CENTRE
    rotated = [_affine(plane, (size, size), back, start) for plane in resized.split()]
    return np.rint(np.stack(rotated, axis=2)).clip(0, 255).astype(np.uint8)


def _extended(image: NDArray[np.uint8], first: tuple[int, int], length: int) -> Image.Image:
    """The square of ``length`` pixels from ``first`` (left, top), with the border's pixels repeated outside the image."""
    columns, rows = (
        np.arange(start, start + length).clip(0, side - 1) for start, side in zip(first, image.shape[1::-1], strict=True)
    )
    return Image.fromarray(image[rows[:, None], columns])


def _affine(plane: Image.Image, size: tuple[int, int], rotation: complex, start: complex) -> NDArray[np.float32]:
    """Pixels z of a plane of this size, taken from ``rotation`` * z + ``start`` of another; 0 where that is outside."""
    matrix = (rotation.real, -rotation.imag, start.real, rotation.imag, rotation.real, start.imag)
    # in floats: Pillow truncates bytes here
    return np.asarray(plane.convert("F").transform(size, Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC))


def warp_back(values: NDArray[np.float32], similarity: Similarity, box: Box) -> NDArray[np.float32]:
    """Resample values of a crop at the pixels of the photo.

    Args:
        values: (size, size, C).
        similarity: The crop's square.
        box: The part of the photo.

    Returns:
        (h, w, C) for the box; 0 outside the square.
    """
    left, top, right, bottom = box
    size = min(similarity.size, max(1, round(similarity.side)))
    scale = size / similarity.size
    start = (similarity.translation + similarity.rotation * complex(left, top)) * scale
    planes = []
    for channel in range(values.shape[2]):
        plane = Image.fromarray(np.ascontiguousarray(values[..., channel], np.float32))
        if scale < 1:  # a small subject: what is reduced must not alias
            plane = plane.resize((size, size), Image.Resampling.LANCZOS)
        planes.append(_affine(plane, (right - left, bottom - top), similarity.rotation * scale, start))
    return np.stack(planes, axis=2)
