"""One photo: its subjects detected, transferred in one batch, and put back."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from attrxfer.errors import AttrxferError
from attrxfer.interfaces import Detector, Model
from attrxfer.media.photos.blend import blend_weights, paste
from attrxfer.media.photos.similarity import Box, Similarity, estimate_similarity, extract_crop

MIN_SIDE = 24
"""Subjects whose square has fewer pixels a side are left alone: a change would not be visible."""


@dataclass(frozen=True)
class PhotoCrops:
    """The crops of a photo's subjects.

    Attributes:
        image: The photo, uint8 (H, W, 3).
        points: Points (F, P, 2) of all subjects, x and y in pixels.
        similarities: Where the squares of those that are large enough lie, N of them.
        crops: Their crops, uint8 (N, S, S, 3).
        numbers: Their N numbers among all subjects: 1 for the largest.
        too_small: The numbers of the subjects that are left alone because they are too small.
    """

    image: NDArray[np.uint8]
    points: NDArray[np.float32]
    similarities: tuple[Similarity, ...]
    crops: NDArray[np.uint8]
    numbers: tuple[int, ...]
    too_small: tuple[int, ...] = ()

    def only(self, chosen: NDArray[np.bool_]) -> PhotoCrops:
        """The crops that are chosen, of N."""
        return replace(
            self,
            similarities=tuple(itertools.compress(self.similarities, chosen)),
            crops=self.crops[chosen],
            numbers=tuple(itertools.compress(self.numbers, chosen)),
        )

    def boxes(self) -> list[Box]:
        """The bounding box of each square in the photo: left, top, right, bottom."""
        return [each.bounding_box(self.image.shape[1], self.image.shape[0]) for each in self.similarities]


@dataclass(frozen=True)
class PhotoResult:
    """A transferred photo.

    Attributes:
        image: uint8 (H, W, 3); the photo itself where there was nothing to change.
        points: Points (F, P, 2) of the detected subjects.
        crops: What was cut out and put back.
    """

    image: NDArray[np.uint8]
    points: NDArray[np.float32]
    crops: PhotoCrops

    @functools.cached_property
    def mask(self) -> NDArray[np.float32] | None:
        """(H, W) in 0..1: how much of the transfer each pixel takes. Where it is 0 the photo is unchanged, bit for bit. None
        where no subject was detected."""
        similarities = self.crops.similarities
        if not similarities:
            return None
        mask = np.zeros(self.image.shape[:2], np.float32)
        for each, box in zip(similarities, self.crops.boxes(), strict=True):
            left, top, right, bottom = box
            mask[top:bottom, left:right] += blend_weights(each, _overlapping(each, similarities), box)
        return mask


class Photos:
    """Transfers the subjects of whole photos.

    >>> photos = Photos(attrxfer.load("runs/gender"), detector)  # doctest: +SKIP
    >>> photos(image, strength=0.8).image  # doctest: +SKIP

    Attributes:
        model: The model.
        detector: What detects the subjects.
        alignment: (P, 2): where the detector's points lie in a crop of the model's size, x and y in pixels.
    """

    def __init__(self, model: Model, detector: Detector) -> None:
        """Bring a model and a detector together.

        Args:
            model: The model.
            detector: What detects the subjects.

        Raises:
            AttrxferError: The model does not know how its training images were aligned.
            DataError: The detector does not know the landmarks that they were aligned by.
        """
        if model.alignment is None:
            raise AttrxferError("the model does not say how its training images were aligned: it takes crops only")
        self.model = model
        self.detector = detector
        self.alignment = detector.reduce(model.alignment[None])[0]

    @property
    def subject(self) -> str:
        """What the detector detects, in the singular: "cat"."""
        return self.detector.subject

    def detect(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Points (F, P, 2) of the subjects of a photo (H, W, 3), the largest first."""
        return self.detector.detect(image)

    def __call__(
        self, image: NDArray[np.uint8], strength: float = 1.0, points: NDArray[np.float32] | None = None
    ) -> PhotoResult:
        """Transfer the subjects of a photo.

        Args:
            image: uint8 (H, W, 3).
            strength: 0 is the photo itself, 1 the transfer as trained; above 1 exaggerates.
            points: Points (F, P, 2) of the subjects; None: they are detected.
        """
        crops = self.extract(image, self.detect(image) if points is None else points)
        return self.paste(crops, self.model.images(crops.crops, strength))

    def extract(self, image: NDArray[np.uint8], points: NDArray[np.float32]) -> PhotoCrops:
        """Cut out the subjects at ``points`` (F, P, 2), framed as the training images were: the first half of a call."""
        size = self.model.size
        similarities = enumerate((estimate_similarity(each, self.alignment, size) for each in points), 1)
        large = {number: each for number, each in similarities if each is not None and each.side >= MIN_SIDE}
        crops = np.array([extract_crop(image, each) for each in large.values()], np.uint8).reshape(-1, size, size, 3)
        too_small = tuple(number for number in range(1, len(points) + 1) if number not in large)
        return PhotoCrops(image, points, tuple(large.values()), crops, tuple(large), too_small)

    def paste(self, crops: PhotoCrops, results: NDArray[np.uint8]) -> PhotoResult:
        """Put back the results (N, S, S, 3) of the crops: the second half of a call."""
        out = crops.image.copy() if len(results) else crops.image
        for each, crop, result in zip(crops.similarities, crops.crops, results, strict=True):
            paste(out, crops.image, crop, result, each, _overlapping(each, crops.similarities))
        return PhotoResult(out, crops.points, crops)


def _overlapping(own: Similarity, others: tuple[Similarity, ...]) -> list[Similarity]:
    """The squares that overlap this one, by their bounding boxes."""
    low, high = own.corners().min(0), own.corners().max(0)
    return [
        each
        for each in others
        if each is not own and (each.corners().min(0) < high).all() and (each.corners().max(0) > low).all()
    ]
