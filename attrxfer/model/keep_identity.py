"""A model whose strength is lowered, image by image, until the result still shows the same subject."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from attrxfer.errors import AttrxferError
from attrxfer.interfaces import ComparesSubjects, InputCheck
from attrxfer.model.calling import CallableModel

STEPS = 10
"""Strengths that are tried, in equal steps from the one asked for down to a tenth of it."""


class KeepIdentity(CallableModel):
    """A model that gives each image the largest strength, up to the one asked for, at which its identity is kept.

    Where the subject of an image is not found, the strength stays as asked. Where no strength keeps the identity, the image
    stays as it is.

    Attributes:
        metadata: The model's, and "keep_identity": the limit.
        strengths: The strength that each image got, in the order of the images.
        unknown: How many images showed no subject to compare.
    """

    def __init__(self, model: CallableModel, compares: object, limit: float) -> None:
        """Wrap a model.

        Args:
            model: The model.
            compares: The detector; it must have the ability ``ComparesSubjects``.
            limit: The greatest distance between the subjects of an image and of its result.

        Raises:
            AttrxferError: The detector cannot compare subjects.
        """
        if not isinstance(compares, ComparesSubjects):
            raise AttrxferError("this detector cannot compare subjects, so identity cannot be kept: leave --keep-identity out")
        self.model, self.compares, self.limit = model, compares, limit
        self.name, self.size, self.guided = model.name, model.size, model.guided
        self.framing, self.alignment = model.framing, model.alignment
        self.metadata = {**model.metadata, "keep_identity": limit}
        self.strengths: list[float] = []
        self.unknown = 0

    def forget(self) -> tuple[tuple[float, ...], int]:
        """``strengths`` and ``unknown`` of the images since the last call; both begin anew."""
        noted = tuple(self.strengths), self.unknown
        self.strengths, self.unknown = [], 0
        return noted

    def check_inputs(self, images_u8: NDArray[np.uint8]) -> InputCheck:
        """What the model itself knows of the images."""
        return self.model.check_inputs(images_u8)

    def images(self, images_u8: NDArray[np.uint8], strength: float = 1.0) -> NDArray[np.uint8]:
        """Transfer uint8 images (N, S, S, 3), each at its own strength of at most ``strength``."""
        at: Callable[[float], NDArray[np.uint8]] = self.model.at_any_strength(images_u8)
        results, chosen = images_u8.copy(), np.zeros(len(images_u8))
        left = np.arange(len(images_u8))
        for step in range(STEPS, 0, -1):
            if not len(left):
                break
            tried = strength * step / STEPS
            made = at(tried)[left]
            distance = self.compares.distances(images_u8[left], made)
            kept = (distance <= self.limit) | np.isnan(distance)
            if step == STEPS:
                self.unknown += int(np.isnan(distance).sum())
            results[left[kept]], chosen[left[kept]] = made[kept], tried
            left = left[~kept]
        self.strengths += chosen.tolist()
        return results
