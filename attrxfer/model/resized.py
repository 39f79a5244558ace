"""A model that is given images of another size than its own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from attrxfer.model.calling import CallableModel

LANCZOS = Image.Resampling.LANCZOS


class ResizedModel(CallableModel):
    """A model for images of side ``size``: they are resized to the model's own size, and the change that it makes is resized
    back and added to them, as ``transfer`` does with photos.

    Args:
        model: The model.
        size: Side of the images in pixels.
    """

    def __init__(self, model: CallableModel, size: int) -> None:
        self.model, self.size = model, size
        self.name, self.guided, self.framing, self.metadata = model.name, model.guided, model.framing, model.metadata
        self.can_change = model.can_change
        self.alignment = None if model.alignment is None else model.alignment * np.float32(size / model.size)

    def __repr__(self) -> str:
        return f"ResizedModel({self.model!r}, {self.size} px)"

    def images(self, images_u8: NDArray[np.uint8], strength: float = 1.0) -> NDArray[np.uint8]:
        return self.at_any_strength(images_u8)(strength)

    def at_any_strength(self, images_u8: NDArray[np.uint8]) -> Callable[[float], NDArray[np.uint8]]:
        if not len(images_u8):
            return lambda strength: images_u8
        own = np.stack([np.asarray(Image.fromarray(image).resize((self.model.size,) * 2, LANCZOS)) for image in images_u8])
        made = self.model.at_any_strength(own)

        def at(strength: float) -> NDArray[np.uint8]:
            changes = made(strength).astype(np.float32) - own
            pairs = zip(images_u8, changes, strict=True)
            return np.stack([_added(image, change) for image, change in pairs])

        return at


def _added(image: NDArray[np.uint8], change: NDArray[np.float32]) -> NDArray[np.uint8]:
    """An image (S, S, 3) with a change of another size, float (s, s, 3), added to it; without a change it keeps its bytes."""
    side = image.shape[0]
    planes = [np.asarray(Image.fromarray(change[..., i]).resize((side, side), LANCZOS)) for i in range(change.shape[-1])]
    return np.clip(np.rint(image + np.stack(planes, axis=-1)), 0, 255).astype(np.uint8)
