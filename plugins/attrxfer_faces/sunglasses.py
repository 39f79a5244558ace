"""Tells dark glasses from clear ones, by the brightness of the eyes' region."""

from __future__ import annotations

import copy
import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.cluster.vq import kmeans2

from attrxfer.errors import DataError, did_you_mean
from attrxfer.interfaces import Broken, Dataset, Framing, HasFraming, Records
from attrxfer_faces.points import CELEBA_POINTS, IBUG_POINTS, five_points

log = logging.getLogger("attrxfer")
DARK, CLEAR = "Sunglasses", "Clear_Glasses"
REACH = 0.22
"""Half the side of the square around an eye, in eye distances."""
AT_ONCE = 256
"""Images that are in memory at once."""
LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)
"""Of R, G and B: ITU-R BT.601."""


class ByBrightness:
    """Another data set with two more attributes, ``Sunglasses`` and ``Clear_Glasses``.

    The images that have ``attribute`` are parted by k-means with k = 2 of the brightness of the eyes, as a share of the
    brightness of the cheeks; the darker group has sunglasses. An image without landmarks, or that cannot be read, has neither.

    Args:
        of: The data set; it has landmarks of faces.
        attribute: What images with any glasses have.
        size: Side of the images in pixels, of the other data set too.
    """

    def __init__(self, *, of: Dataset, attribute: str = "Eyeglasses", size: Annotated[int, Field(ge=1)] = 64) -> None:
        self.of = of
        self.attribute = attribute
        self.size = size

    @property
    def size(self) -> int:
        """Side of the images in pixels."""
        return self.of.size

    @size.setter
    def size(self, value: int) -> None:
        if value != self.of.size:
            self.of = copy.copy(self.of)
            self.of.size = value

    @property
    def framing(self) -> Framing | None:
        """That of the data set."""
        return self.of.framing if isinstance(self.of, HasFraming) else None

    def records(self) -> Records:
        """The data set's labels and the two attributes.

        Raises:
            DataError: The data set has no landmarks of faces, no such attribute, or one of the new names.
        """
        return self._records

    def read(self, rows: Sequence[int]) -> list[NDArray[np.uint8] | Broken]:
        """The data set's images."""
        return self.of.read(rows)

    def fingerprint(self) -> str:
        """That of the data set: the images are the same."""
        return self.of.fingerprint()

    @cached_property
    def _records(self) -> Records:
        records = self.of.records()
        points = records.landmarks
        if points is None or points.shape[1] not in (CELEBA_POINTS, IBUG_POINTS):
            raise DataError('data "sunglasses": the data set has no landmarks of faces, so it is not known where the eyes are')
        if self.attribute not in records.attributes:
            nearest = did_you_mean(self.attribute, list(records.attributes))
            raise DataError(f'data.attribute: the data set has no attribute "{self.attribute}"{nearest}')
        rows = np.flatnonzero(records.attributes[self.attribute] & ~np.isnan(points).any((1, 2)))
        ratios = np.full(len(rows), np.nan)
        for start in range(0, len(rows), AT_ONCE):
            some = rows[start : start + AT_ONCE]
            for i, (row, image) in enumerate(zip(some, self.of.read(some.tolist()), strict=True), start=start):
                if not isinstance(image, Broken):
                    ratios[i] = eyes_to_cheeks(image, five_points(points[row : row + 1])[0])
            log.debug("sunglasses: %d of %d images measured", start + len(some), len(rows))
        dark, clear = np.zeros(len(records), bool), np.zeros(len(records), bool)
        known = ~np.isnan(ratios)
        is_dark = darker(ratios[known])
        dark[rows[known][is_dark]] = True
        clear[rows[known][~is_dark]] = True
        note = f"{self.attribute}: {dark.sum()} images are taken for {DARK}, {clear.sum()} for {CLEAR}"
        return replace(records, attributes={**records.attributes, DARK: dark, CLEAR: clear}, notes=(*records.notes, note))


def eyes_to_cheeks(image: NDArray[np.uint8], points: NDArray[np.float32]) -> float:
    """Mean brightness of two squares at the eyes as a share, at most 1, of that of two squares at the cheeks.

    Args:
        image: (S, S, 3).
        points: Eyes, nose and corners of the mouth (5, 2), x and y in pixels.
    """
    brightness = image.astype(np.float32) @ LUMINANCE
    left, right, _, mouth_left, mouth_right = points
    reach = REACH * float(np.linalg.norm(right - left))
    cheeks = [0.4 * eye + 0.6 * corner for eye, corner in ((left, mouth_left), (right, mouth_right))]
    at_eyes, at_cheeks = (
        float(np.mean([_mean(brightness, point, reach) for point in pair])) for pair in ((left, right), cheeks)
    )
    return min(1.0, at_eyes / max(at_cheeks, 1.0))


def _mean(brightness: NDArray[np.float32], point: NDArray[np.float32], reach: float) -> float:
    """Mean of the square around a point, at least one pixel, inside the image (S, S)."""
    last = len(brightness) - 1
    x0, y0 = np.clip(np.round(point - reach).astype(int), 0, last)
    x1, y1 = np.clip(np.round(point + reach).astype(int), 0, last)
    return float(brightness[y0 : y1 + 1, x0 : x1 + 1].mean())


def darker(ratios: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which of the ratios (N,) belong to the lower of two groups: k-means that begins at the least and the greatest."""
    if len(np.unique(ratios)) < 2:
        return np.zeros(len(ratios), bool)
    _, label = kmeans2(ratios[:, None], np.array([[ratios.min()], [ratios.max()]]), minit="matrix")
    return np.asarray(label == 0)
