"""The discriminator D: Table 2."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor, nn

from attrxfer.interfaces import Discrimination
from attrxfer_diat.layers import Norm, kaiming, norm_layer

TABLE_2 = ((1, 8, 3, 2), (1, 3, 1, 1), (2, 4, 1, 2), (2, 3, 1, 1), (4, 4, 1, 2), (4, 4, 1, 2))
"""Channels in units of ``width``, kernel, padding, stride of the six convolutions."""


class Discriminator(nn.Module):
    """Table 2: images (N, 3, S, S) in -1..1 -> logit (N,) and the maps of the six convolutions; S divisible by 16.

    The maps are taken after normalisation and activation. The paper gives no slope, norm or initialisation.

    Args:
        size: Side of the images in pixels.
        width: Channels of the first layer; 32 in the paper.
        hidden: Units of the first fully connected layer; 1000 in the paper.
        norm: Normalisation after every convolution.
        slope: Slope of the LeakyReLU.
        init: He's normal initialisation ("kaiming"), or torch's own ("default"), which makes the features very small.
    """

    def __init__(
        self,
        *,
        size: Annotated[int, Field(ge=16, multiple_of=16)],
        width: Annotated[int, Field(ge=4, le=256)] = 32,
        hidden: Annotated[int, Field(ge=1)] = 1000,
        norm: Norm = "none",
        slope: Annotated[float, Field(ge=0, lt=1)] = 0.2,
        init: Literal["kaiming", "default"] = "kaiming",
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        inputs = 3
        for units, kernel, padding, stride in TABLE_2:
            outputs = units * width
            self.layers.append(
                nn.Sequential(
                    nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=norm == "none"),
                    norm_layer(norm, outputs),
                    nn.LeakyReLU(slope, inplace=True),
                )
            )
            inputs = outputs
        self.head = nn.Sequential(
            nn.Linear(inputs * (size // 16) ** 2, hidden), nn.LeakyReLU(slope, inplace=True), nn.Linear(hidden, 1)
        )
        if init == "kaiming":
            kaiming(self, slope)

    def maps(self, images: Tensor) -> tuple[Tensor, ...]:
        """The maps (N, C, H, W) of the six convolutions."""
        features = []
        maps = images
        for layer in self.layers:
            maps = layer(maps)
            features.append(maps)
        return tuple(features)

    def forward(self, images: Tensor) -> Discrimination:
        features = self.maps(images)
        return Discrimination(self.head(features[-1].flatten(1)).squeeze(1), features)
