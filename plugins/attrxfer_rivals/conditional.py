"""Generators for many attributes: StarGAN's residual network and AttGAN's encoder and decoder."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor, nn

Attributes = Annotated[tuple[str, ...], Field(min_length=1)]
Width = Annotated[int, Field(ge=4, le=256)]
WIDEST = 8
"""Channels of any layer, in units of ``width``, at most."""


class Told(nn.Module):
    """Base: T(x, c), where c (N, attributes) is 1 to make an attribute true, -1 to make it false, 0 to leave it.

    The papers give the wanted attributes instead, 0 or 1 each; for those, the attributes of x must be known.

    Args:
        attributes: The attributes that it can change.
    """

    def __init__(self, attributes: tuple[str, ...]) -> None:
        super().__init__()
        self.attributes = attributes

    @classmethod
    def attributes_read(cls, **parameters: Any) -> Sequence[str]:
        """The attributes that it can change."""
        names: Sequence[str] = parameters["attributes"]
        return names

    def parts(self, images: Tensor, change: Tensor | None = None) -> dict[str, Tensor]:
        """T(x, c).

        Args:
            images: x (N, 3, S, S) in -1..1.
            change: c (N, attributes) in -1..1; None makes every attribute true.

        Returns:
            "output" (N, 3, S, S) in -1..1.
        """
        return {"output": self(images, change)}

    def maps_of(self, images: Tensor, change: Tensor | None, like: Tensor) -> Tensor:
        """c as constant maps (N, attributes, H, W) of the height and width of ``like``."""
        if change is None:
            change = images.new_ones(len(images), len(self.attributes))
        return change[:, :, None, None].expand(-1, -1, *like.shape[-2:]).to(like.dtype)


def _normalised(layer: nn.Module, channels: int) -> list[nn.Module]:
    return [layer, nn.InstanceNorm2d(channels, affine=True), nn.ReLU()]


class Block(nn.Module):
    """Two 3x3 convolutions around a shortcut (N, C, H, W) -> the same shape."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        first, second = (nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(2))
        self.body = nn.Sequential(*_normalised(first, channels), second, nn.InstanceNorm2d(channels, affine=True))

    def forward(self, maps: Tensor) -> Tensor:
        made: Tensor = maps + self.body(maps)
        return made


class StarGenerator(Told):
    """StarGAN's generator: images (N, 3, S, S) in -1..1, S divisible by 4, with c as maps beside them -> images (tanh).

    Args:
        attributes: The attributes that it can change.
        width: Channels of the first layer; 64 in StarGAN.
        blocks: Residual blocks; 6 in StarGAN.
    """

    def __init__(self, *, attributes: Attributes, width: Width = 32, blocks: Annotated[int, Field(ge=1, le=32)] = 6) -> None:
        super().__init__(attributes)
        self.layers = nn.Sequential(
            *_normalised(nn.Conv2d(3 + len(attributes), width, 7, padding=3, bias=False), width),
            *_normalised(nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False), 2 * width),
            *_normalised(nn.Conv2d(2 * width, 4 * width, 4, 2, 1, bias=False), 4 * width),
            *(Block(4 * width) for _ in range(blocks)),
            *_normalised(nn.ConvTranspose2d(4 * width, 2 * width, 4, 2, 1, bias=False), 2 * width),
            *_normalised(nn.ConvTranspose2d(2 * width, width, 4, 2, 1, bias=False), width),
            nn.Conv2d(width, 3, 7, padding=3, bias=False),
        )

    def forward(self, images: Tensor, change: Tensor | None = None) -> Tensor:
        return torch.tanh(self.layers(torch.cat([images, self.maps_of(images, change, images)], dim=1)))


class AttGenerator(Told):
    """AttGAN's generator: an encoder of x (N, 3, S, S), c beside what it gives, and a decoder to images (tanh). The encoder's
    largest maps go to the decoder too. S is divisible by 2 to the power of ``layers``.

    Args:
        attributes: The attributes that it can change.
        width: Channels of the first layer, doubled in each, up to eight times; 64 in AttGAN, up to sixteen times.
        layers: Convolutions of stride 2; 5 in AttGAN, for images of 128 px.
    """

    def __init__(self, *, attributes: Attributes, width: Width = 32, layers: Annotated[int, Field(ge=2, le=6)] = 4) -> None:
        super().__init__(attributes)
        channels = [3, *(min(2**i, WIDEST) * width for i in range(layers))]
        self.encoder = nn.ModuleList(
            nn.Sequential(nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2))
            for inputs, outputs in pairwise(channels)
        )
        up = list(reversed(channels[1:]))
        self.decoder = nn.ModuleList()
        for number, (inputs, outputs) in enumerate(pairwise(up)):
            inputs += len(attributes) if number == 0 else 0
            layer = nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=False)
            self.decoder.append(nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.ReLU()))
        self.last = nn.ConvTranspose2d(2 * width, 3, 4, 2, 1)

    def forward(self, images: Tensor, change: Tensor | None = None) -> Tensor:
        maps = images
        encoded = []
        for layer in self.encoder:
            maps = layer(maps)
            encoded.append(maps)
        maps = torch.cat([maps, self.maps_of(images, change, maps)], dim=1)
        for layer in self.decoder:
            maps = layer(maps)
        return torch.tanh(self.last(torch.cat([maps, encoded[0]], dim=1)))
