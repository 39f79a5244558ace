"""What DIAT's revision of 2018 has new: a network for the mask, and a limit to how much of the image it covers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import torch
from kornia.filters import gaussian_blur2d
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import interpolate

from attrxfer.errors import AttrxferError, Problem
from attrxfer.interfaces import Generator, RecipeView, TransferStep

NO_MASK = 'this generator makes no mask; generator.use = "masked_by_network" does, or "masked"'


class MaskedByNetwork(nn.Module):
    """T(x) = x + m (r - x): r from any generator, m from a network of its own, of a quarter of the side, enlarged and blurred.

    After the revision of DIAT of 2018, whose transform network is like a U-Net and whose mask is binary, of 32 x 32 pixels for
    images of 128 px, and smoothed by a Gaussian filter. Here the mask is a sigmoid, which has a gradient, and its network's
    layers are ours.

    Args:
        transform: The generator that makes r.
        width: Channels of the mask network's first layer.
        sigma: Standard deviation of the Gaussian filter in pixels of the image; 0 leaves it out.
        mask_bias: The mask starts near the sigmoid of this number.
    """

    def __init__(
        self,
        *,
        transform: Generator,
        width: Annotated[int, Field(ge=4, le=256)] = 16,
        sigma: Annotated[float, Field(ge=0, le=8)] = 1.0,
        mask_bias: Annotated[float, Field(ge=-10, le=10)] = -1.0,
    ) -> None:
        super().__init__()
        self.transform: Any = transform
        self.sigma = sigma
        self.mask = nn.Sequential(
            nn.Conv2d(3, width, 5, 2, 2),
            nn.ReLU(),
            nn.Conv2d(width, 2 * width, 5, 2, 2),
            nn.ReLU(),
            nn.Conv2d(2 * width, 2 * width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(2 * width, 1, 3, padding=1),
        )
        last = self.mask[-1]
        assert isinstance(last, nn.Conv2d) and last.bias is not None
        with torch.no_grad():
            last.bias.fill_(mask_bias)

    def parts(self, images: Tensor) -> dict[str, Tensor]:
        """T(x) and what it is computed from.

        Args:
            images: x (N, 3, S, S) in -1..1.

        Returns:
            "output" (N, 3, S, S) in -1..1, "mask" m (N, 1, S, S) in 0..1 and "residual" r (N, 3, S, S) in -1..1.
        """
        residual = self.transform(images).to(images.dtype)
        small = torch.sigmoid(self.mask(images).to(images.dtype))
        mask = interpolate(small, images.shape[-2:], mode="bilinear")
        if self.sigma:
            side = 2 * round(2 * self.sigma) + 1
            mask = gaussian_blur2d(mask, (side, side), (self.sigma, self.sigma))
        return {"output": torch.lerp(images, residual, mask), "mask": mask, "residual": residual}

    def forward(self, images: Tensor) -> Tensor:
        return self.parts(images)["output"]


class AttributeRatio:
    """The mask covers at most a share of the image: what its mean exceeds the share by, averaged over images.

    The revision of DIAT of 2018 says that such a term constrains the size of the region that an attribute changes. This
    formula is ours. Unlike ``mask_size``, it costs nothing below the share.

    Args:
        ratio: The share of the image that T may change.
        weight: Weight of the term in T's objective.
    """

    def __init__(
        self, *, ratio: Annotated[float, Field(ge=0, lt=1)] = 0.3, weight: Annotated[float, Field(ge=0)] = 5.0
    ) -> None:
        self.ratio = ratio
        self.weight = weight

    def check_recipe(self, recipe: RecipeView) -> Iterator[Problem]:
        """A problem when the generator makes no mask."""
        if "mask" not in recipe.generator_parts:
            yield Problem("", NO_MASK)

    def __call__(self, step: TransferStep) -> Tensor:
        """A scalar, not yet multiplied by ``weight``.

        Raises:
            AttrxferError: The generator makes no mask.
        """
        if "mask" not in step.parts:
            raise AttrxferError(f"regularizer attribute_ratio: {NO_MASK}")
        covered = step.parts["mask"].float().mean((1, 2, 3))
        return torch.relu(covered - self.ratio).mean()
