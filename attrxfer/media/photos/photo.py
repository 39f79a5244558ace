"""One photo: its subjects found, transferred in one batch, and put back."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from attrxfer.errors import AttrxferError
from attrxfer.interfaces import Detector
from attrxfer.media.photos.blend import paste, weights
from attrxfer.media.photos.place import Box, Place, cut, place

SMALLEST = 24
"""Subjects whose square has fewer pixels a side are left alone: there is nothing to see a change in."""


class Transfers(Protocol):
    """What photos need of a transfer: a loaded bundle, or an exported file without torch."""

    size: int
    metadata: Mapping[str, Any]

    def images(self, uint8: NDArray[np.uint8], strength: float = 1.0) -> NDArray[np.uint8]: ...


@dataclass(frozen=True)
class Cut:
    """A photo (H, W, 3), the points of its subjects (F, P, 2), and of those that are large enough the square and the crop,
    (N, S, S, 3)."""

    image: NDArray[np.uint8]
    points: NDArray[np.float32]
    places: tuple[Place, ...]
    crops: NDArray[np.uint8]

    @property
    def small(self) -> int:
        """How many subjects were left alone because they are tiny."""
        return len(self.points) - len(self.places)

    def boxes(self) -> list[Box]:
        """What each square covers of the photo: left, top, right, bottom."""
        return [each.bounds(self.image.shape[1], self.image.shape[0]) for each in self.places]


@dataclass(frozen=True)
class Changed:
    """image: uint8 (H, W, 3), the photo itself where there was nothing to change. points: (F, P, 2), what was found."""

    image: NDArray[np.uint8]
    points: NDArray[np.float32]
    cut: Cut

    @functools.cached_property
    def mask(self) -> NDArray[np.float32] | None:
        """(H, W) in 0..1: how much of the transfer each pixel takes; where it is 0 the photo is as it was, to the bit. None
        where nobody was found."""
        if not self.cut.places:
            return None
        mask = np.zeros(self.image.shape[:2], np.float32)
        for each, box in zip(self.cut.places, self.cut.boxes(), strict=True):
            left, top, right, bottom = box
            mask[top:bottom, left:right] += weights(each, _others(each, self.cut.places), box)
        return mask


class Photos:
    """Transfers the subjects of whole photos.

    >>> photos = Photos(attrxfer.load("runs/gender"), detector)  # doctest: +SKIP
    >>> photos(image, strength=0.8).image  # doctest: +SKIP

    Raises AttrxferError when the bundle does not say how its training images were aligned, DataError when the detector does
    not know their landmarks.
    """

    def __init__(self, transfer: Transfers, detector: Detector) -> None:
        known = transfer.metadata.get("alignment")
        if known is None:
            raise AttrxferError("the bundle does not say how its training images were aligned: it takes crops only")
        self.transfer = transfer
        self.detector = detector
        self.alignment = detector.reduce(np.array([known], np.float32))[0]

    def detect(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Points (F, P, 2) of the subjects of a photo (H, W, 3), the largest first."""
        return self.detector.detect(image)

    def __call__(self, image: NDArray[np.uint8], strength: float = 1.0, points: NDArray[np.float32] | None = None) -> Changed:
        """Transfer the subjects of a photo (H, W, 3) uint8: those that are found, or those at ``points`` (F, P, 2).

        Strength 0 is the photo itself, 1 the trained transfer; above 1 exaggerates.
        """
        part = self.cut(image, self.detect(image) if points is None else points)
        return self.paste(part, self.transfer.images(part.crops, strength))

    def cut(self, image: NDArray[np.uint8], points: NDArray[np.float32]) -> Cut:
        """The first half of a call: the crops of the subjects at ``points``, framed as the training images were."""
        size = self.transfer.size
        places = [place(each, self.alignment, size) for each in points]
        large = tuple(each for each in places if each is not None and each.side >= SMALLEST)
        crops = [cut(image, each) for each in large]
        return Cut(image, points, large, np.array(crops, np.uint8).reshape(-1, size, size, 3))

    def paste(self, part: Cut, results: NDArray[np.uint8]) -> Changed:
        """The second half: results (N, S, S, 3) of the crops, put back."""
        out = part.image.copy() if len(results) else part.image
        for each, crop, result in zip(part.places, part.crops, results, strict=True):
            paste(out, part.image, crop, result, each, _others(each, part.places))
        return Changed(out, part.points, part)


def _others(own: Place, places: tuple[Place, ...]) -> list[Place]:
    """The squares that overlap this one, by their bounding boxes."""
    low, high = own.corners().min(0), own.corners().max(0)
    return [
        each
        for each in places
        if each is not own and (each.corners().min(0) < high).all() and (each.corners().max(0) > low).all()
    ]
