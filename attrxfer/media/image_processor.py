"""Which processor an image file needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrxfer.interfaces import Model
from attrxfer.media.photos import Photos
from attrxfer.media.processors import CropProcessor, PhotoProcessor
from attrxfer.media.read_ahead import BatchedProcessor
from attrxfer.media.whole_images import WholeImageProcessor, reach_of


def image_processor(
    model: Model,
    photos: Photos | None,
    strength: float = 1.0,
    provenance: Mapping[str, str] | None = None,
    *,
    largest: int | None = None,
    numbers: Sequence[int] = (),
    only_without: bool = False,
) -> BatchedProcessor[Any]:
    """What transfers image files: whole images where the model takes these, else the subjects of photos, else crops.

    Args:
        model: The model.
        photos: The same model with a detector; None: images are crops like those trained on.
        strength: Strength of the transfer; 0 is the image itself.
        provenance: What is written into the results' metadata; None: nothing.
        largest: How many subjects of a photo are changed, the largest first; None: all.
        numbers: Instead of ``largest``: the numbers of the subjects that are changed, 1 for a photo's largest.
        only_without: Leave crops and subjects alone that seem to have the attribute already.
    """
    reach = reach_of(model)
    if reach is not None:
        return WholeImageProcessor(model, reach, strength, provenance)
    if photos is None:
        return CropProcessor(model, strength, provenance, only_without=only_without)
    return PhotoProcessor(photos, strength, largest, provenance, numbers=numbers, only_without=only_without)
