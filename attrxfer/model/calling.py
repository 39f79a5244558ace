"""What may be given to ``model(...)``: a path, a PIL image, a uint8 array, a float tensor."""

from __future__ import annotations

import functools
import math
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from attrxfer.errors import AttrxferError, DataError
from attrxfer.interfaces import Framing, InputCheck, Model
from attrxfer.model.attribute_regression import AttributeRegression
from attrxfer.model.response import Response
from attrxfer.model.texture import Texture

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

ACCEPTED = (
    "a model takes the path of an image, a PIL image, a uint8 array (H, W, 3) or (N, H, W, 3), or a float tensor "
    "(3, H, W) or (N, 3, H, W) in -1..1"
)
MULTIPLE = 16
"""Images of another size than the model's are taken where both sides are multiples of this."""
LARGEST = 1.01
"""Float images hold -1..1; what is larger than rounding makes it was never scaled to that."""


class CallableModel(ABC):
    """Base of the loaded models: every form of image goes through ``images``. The attributes are those of
    ``attrxfer.interfaces.Model``."""

    name: str
    size: int
    guided: Mapping[str, bool]
    framing: Framing | None
    alignment: NDArray[np.float32] | None
    metadata: Mapping[str, Any]
    can_change: tuple[str, ...] = ()
    """The attributes that a bundle for many attributes can be opened for; empty for all others."""

    @abstractmethod
    def images(self, images_u8: NDArray[np.uint8], strength: float = 1.0) -> NDArray[np.uint8]:
        """Transfer uint8 images (N, S, S, 3)."""

    def changing(self, wanted: Mapping[str, bool]) -> CallableModel:
        """The same model with other attributes in its results; both share the networks.

        Args:
            wanted: Attribute -> value that results should have; the attributes are some of ``can_change``.

        Raises:
            AttrxferError: It cannot change them.
        """
        raise AttrxferError(f"{self.name}: only a bundle for many attributes lets you choose what results have")

    def check_inputs(self, images_u8: NDArray[np.uint8]) -> InputCheck:
        """Which images uint8 (N, S, S, 3) are unlike the training images, and which have the attributes already."""
        texture, regression = self._known_images
        return InputCheck(
            texture.unlike(images_u8) if texture is not None else None,
            regression.probability(images_u8) if regression is not None else None,
        )

    @property
    def reach(self) -> int | None:
        """How far in pixels a result depends on the image, for a model that transfers whole images of any size; else None."""
        reach: int | None = self.metadata.get("reach")
        return reach

    @functools.cached_property
    def _known_images(self) -> tuple[Texture | None, AttributeRegression | None]:
        return Texture.read(self.metadata.get("texture")), AttributeRegression.read(self.metadata.get("attribute"))

    def at_any_strength(self, images_u8: NDArray[np.uint8]) -> Callable[[float], NDArray[np.uint8]]:
        """A function from a strength to what ``images`` returns for uint8 images (N, S, S, 3).

        Use it to try many strengths on the same images: a bundle's networks run once.
        """
        return lambda strength: self.images(images_u8, strength)

    def strength_at(self, part: float) -> float:
        """The strength at which so large a part of the images that the transfer changes have the attribute.

        The same part means the same for every model: at 0.5, half of the images that count as without the attribute at
        strength 0 and with it at strength 1 have it, by the attribute classifier of the model's scorecard.

        Args:
            part: In 0..1.

        Raises:
            DataError: The model does not know, since it was not scored.
        """
        response = Response.read(self.metadata.get("response"))
        if response is None:
            raise DataError(f"{self.name}: strengths in percent need a model scored on validation images: give a number")
        return response.strength_at(part)

    def tensors(self, images: Tensor, strength: float = 1.0) -> Tensor:
        """Transfer float images (N, 3, S, S) in -1..1; here through uint8."""
        from attrxfer.storage.conversion import to_tensor, to_uint8

        return images if strength == 0 else to_tensor(self.images(to_uint8(images), strength))

    @overload
    def __call__(self, images: Tensor, strength: float = 1.0) -> Tensor: ...
    @overload
    def __call__(self, images: NDArray[np.uint8], strength: float = 1.0) -> NDArray[np.uint8]: ...
    @overload
    def __call__(self, images: Image.Image | str | Path, strength: float = 1.0) -> Image.Image: ...

    def __call__(
        self, images: Tensor | NDArray[np.uint8] | Image.Image | str | Path, strength: float = 1.0
    ) -> Tensor | NDArray[np.uint8] | Image.Image:
        """Transfer images; the result has the form of what was given, a PIL image for a path.

        Args:
            images: A float tensor (3, S, S) or (N, 3, S, S) in -1..1, a uint8 array (S, S, 3) or (N, S, S, 3), or one image
                of S x S pixels as a PIL image or as the path of a file. Tensors and arrays may have other sides that are
                multiples of 16, where the networks take them. A model of patches takes arrays, PIL images and files of any
                size; large ones are transferred in tiles.
            strength: s in x + s (T(x) - x), clipped. 0 returns the input itself, 1 the transfer as trained.

        Raises:
            DataError: What was given is none of these (the message says what is accepted), or a file that cannot be read.
        """
        if not isinstance(strength, Real) or not math.isfinite(strength):
            raise DataError(f"strength is a number, 0 for the input and 1 for the transfer as trained; this is {strength!r}")
        if isinstance(images, np.ndarray):
            return self._array(images, strength)
        torch = sys.modules.get("torch")  # who has a tensor has imported torch; an exported file does without
        if torch is not None and isinstance(images, torch.Tensor):
            return self._tensor(images, strength)
        from PIL import Image

        from attrxfer.media.images import open_rgb, to_rgb

        if isinstance(images, str | Path):
            if not Path(images).is_file():
                raise DataError(f"{images}: {'this is a folder' if Path(images).is_dir() else 'no such file'}; {ACCEPTED}")
            try:
                images = open_rgb(Path(images))
            except DataError as error:
                reason = str(error).removeprefix(f"{images}: ")
                raise DataError(f"{images}: not an image that can be opened ({reason})") from None
        if not isinstance(images, Image.Image):
            raise DataError(f"{ACCEPTED}; this is {type(images).__name__}")
        if images.size != (self.size, self.size) and self.reach is None:
            width, height = images.size
            raise DataError(
                f"the image has {width} x {height} pixels, the model takes {self.size} x {self.size}: crop and resize it, or "
                f"transfer whole photos with attrxfer transfer"
            )
        return Image.fromarray(self._array(np.array(to_rgb(images)), strength))

    def _tensor(self, images: Tensor, strength: float) -> Tensor:
        if not images.is_floating_point() or images.ndim not in (3, 4) or images.shape[-3] != 3:
            raise DataError(f"{ACCEPTED}; this is a tensor of {images.dtype} {tuple(images.shape)}")
        largest = float(images.detach().abs().max()) if images.numel() else 0.0
        if not largest <= LARGEST:
            raise DataError(f"{ACCEPTED}; this is a tensor with values up to {largest:.4g}")
        self._check_sides(images.shape[-2], images.shape[-1])
        return self.tensors(images[None], strength)[0] if images.ndim == 3 else self.tensors(images, strength)

    def _check_sides(self, height: int, width: int) -> None:
        if (height, width) != (self.size, self.size) and (height % MULTIPLE or width % MULTIPLE):
            raise DataError(
                f"the images have {width} x {height} pixels, the model takes {self.size} x {self.size} (or sides that are "
                f"multiples of {MULTIPLE}): crop and resize them, or transfer whole photos with attrxfer transfer"
            )

    def _array(self, images_u8: NDArray[np.uint8], strength: float) -> NDArray[np.uint8]:
        if images_u8.dtype != np.uint8 or images_u8.ndim not in (3, 4) or images_u8.shape[-1] != 3:
            raise DataError(f"{ACCEPTED}; this is an array of {images_u8.dtype} {images_u8.shape}")
        if self.reach is not None:
            return self._whole(images_u8, self.reach, strength)
        self._check_sides(*images_u8.shape[-3:-1])
        if images_u8.ndim == 3:
            single: NDArray[np.uint8] = self.images(images_u8[None], strength)[0]
            return single
        return self.images(images_u8, strength)

    def _whole(self, images_u8: NDArray[np.uint8], reach: int, strength: float) -> NDArray[np.uint8]:
        """Images of any size, one by one, in tiles."""
        from attrxfer.media.tiles import in_tiles

        single = images_u8[None] if images_u8.ndim == 3 else images_u8
        made = [in_tiles(lambda tile: self.images(tile, strength), image, reach) for image in single]
        results = np.stack(made) if made else images_u8
        return results[0] if images_u8.ndim == 3 else results


def at_any_strength(model: Model, images_u8: NDArray[np.uint8]) -> Callable[[float], NDArray[np.uint8]]:
    """``CallableModel.at_any_strength`` of any model; one that is none computes anew at each strength."""
    if isinstance(model, CallableModel):
        return model.at_any_strength(images_u8)
    return lambda strength: model.images(images_u8, strength)
