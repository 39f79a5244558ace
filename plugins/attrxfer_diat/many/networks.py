"""T that is told which attributes to change, and D that says which attributes it sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from attrxfer.interfaces import Discrimination
from attrxfer_diat.discriminator import Discriminator
from attrxfer_diat.generator import Blocks, MaskedTransformNetwork, Width, trunk
from attrxfer_diat.layers import Norm, kaiming
from attrxfer_diat.regularizer import Weight

Attributes = Annotated[tuple[str, ...], Field(min_length=1)]


class ManyAttributesNetwork(MaskedTransformNetwork):
    """The generator ``masked``, told what to change: T(x, c) = x + max|c| m (r - x).

    c has a number for each attribute: 1 makes it true, -1 makes it false, 0 leaves it (RelGAN: Wu et al., ICCV 2019).
    T sees it as constant maps beside the image (StarGAN: Choi et al., CVPR 2018). Where c is 0, T(x, c) is x.

    Args:
        attributes: The attributes that it can change.
        width: Channels of the first layer.
        blocks: Residual blocks.
        norm: Normalisation after every convolution but the last.
        mask_bias: The mask starts near the sigmoid of this number.
    """

    def __init__(
        self,
        *,
        attributes: Attributes,
        width: Width = 32,
        blocks: Blocks = 5,
        norm: Norm = "batch",
        mask_bias: Annotated[float, Field(ge=-10, le=10)] = -1.0,
    ) -> None:
        super().__init__(width=width, blocks=blocks, norm=norm, mask_bias=mask_bias)
        self.attributes = attributes
        self.trunk = trunk(width, blocks, norm, inputs=3 + len(attributes))

    @classmethod
    def attributes_read(cls, **parameters: Any) -> Sequence[str]:
        """The attributes that it can change."""
        names: Sequence[str] = parameters["attributes"]
        return names

    def parts(self, images: Tensor, change: Tensor | None = None) -> dict[str, Tensor]:
        """T(x, c) and what it is computed from.

        Args:
            images: x (N, 3, S, S) in -1..1.
            change: c (N, attributes) in -1..1; None makes every attribute true.

        Returns:
            "output" (N, 3, S, S) in -1..1, "mask" max|c| m (N, 1, S, S) in 0..1 and "residual" r (N, 3, S, S) in -1..1.
        """
        if change is None:
            change = images.new_ones(1, len(self.attributes)).expand(images.shape[0], -1)
        maps = change[:, :, None, None].expand(-1, -1, *images.shape[-2:]).to(images.dtype)
        head = self.head(self.up(self.trunk(torch.cat([images, maps], dim=1)))).to(images.dtype)
        residual, mask = torch.tanh(head[:, :3]), torch.sigmoid(head[:, 3:])
        mask = mask * change.abs().amax(1)[:, None, None, None].to(images.dtype)
        return {"output": torch.lerp(images, residual, mask), "mask": mask, "residual": residual}

    def forward(self, images: Tensor, change: Tensor | None = None) -> Tensor:
        return self.parts(images, change)["output"]


class ManyAttributesDiscriminator(Discriminator):
    """The discriminator ``diat`` with a further logit for each attribute.

    Args:
        size: Side of the images in pixels.
        attributes: The attributes that it learns.
        classification: Weight of the cross-entropy of the attributes' logits, summed over attributes, for D and, unless
            ``conditional``, for T.
        conditional: D is told what an image was asked for, as in eq. 3, where D tells images with *this* attribute from T(x):
            c times the attributes' logits is added to its logit (projection: Miyato and Koyama, ICLR 2018).
        width: Channels of the first layer.
        hidden: Units of the first fully connected layer.
        norm: Normalisation after every convolution.
        slope: Slope of the LeakyReLU.
        init: He's normal initialisation ("kaiming"), or torch's own ("default").
    """

    def __init__(
        self,
        *,
        size: Annotated[int, Field(ge=16, multiple_of=16)],
        attributes: Attributes,
        classification: Weight = 1.0,
        conditional: bool = False,
        width: Annotated[int, Field(ge=4, le=256)] = 32,
        hidden: Annotated[int, Field(ge=1)] = 1000,
        norm: Norm = "none",
        slope: Annotated[float, Field(ge=0, lt=1)] = 0.2,
        init: Literal["kaiming", "default"] = "kaiming",
    ) -> None:
        super().__init__(size=size, width=width, hidden=hidden, norm=norm, slope=slope, init=init)
        self.attributes = attributes
        self.classification = classification
        self.conditional = conditional
        self.head[-1] = nn.Linear(hidden, 1 + len(attributes))
        if init == "kaiming":
            kaiming(self.head[-1], slope)

    @classmethod
    def attributes_read(cls, **parameters: Any) -> Sequence[str]:
        """The attributes that it learns."""
        names: Sequence[str] = parameters["attributes"]
        return names

    def forward(self, images: Tensor) -> Discrimination:
        features = self.maps(images)
        logits = self.head(features[-1].flatten(1))
        return Discrimination(logits[:, 0], features, logits[:, 1:])
