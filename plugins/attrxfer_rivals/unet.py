"""The U-Net of pix2pix as a generator."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

WIDEST = 8
"""Channels of any layer, in units of ``width``, at most."""


class UNet(nn.Module):
    """Images (N, 3, S, S) in -1..1 -> images of the same shape and range (tanh); S divisible by 2 to the power of ``depth``.

    4x4 convolutions of stride 2 down to S / 2^depth, and 4x4 deconvolutions up again. Each scale's maps on the way down go to
    the same scale on the way up too, so that detail need not pass the smallest one. pix2pix's dropout is left out.

    Args:
        width: Channels of the first layer; doubled in each, up to eight times; 64 in pix2pix.
        depth: Convolutions on the way down; 8 in pix2pix, for images of 256 px.
    """

    def __init__(
        self, *, width: Annotated[int, Field(ge=4, le=256)] = 32, depth: Annotated[int, Field(ge=1, le=8)] = 4
    ) -> None:
        super().__init__()
        channels = [3, *(min(2**i, WIDEST) * width for i in range(depth))]
        self.down = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(inputs, outputs, 4, 2, 1),
                # no norm of the first maps, nor of the last ones, which may be of one pixel
                nn.InstanceNorm2d(outputs, affine=True) if 0 < number < depth - 1 else nn.Identity(),
                nn.LeakyReLU(0.2),
            )
            for number, (inputs, outputs) in enumerate(pairwise(channels))
        )
        self.up = nn.ModuleList(
            nn.Sequential(
                nn.ConvTranspose2d(inputs if number == 0 else 2 * inputs, outputs, 4, 2, 1),
                nn.InstanceNorm2d(outputs, affine=True),
                nn.ReLU(),
            )
            for number, (inputs, outputs) in enumerate(pairwise(reversed(channels[1:])))
        )
        self.last = nn.ConvTranspose2d(2 * width if depth > 1 else width, 3, 4, 2, 1)

    def forward(self, images: Tensor) -> Tensor:
        shortcuts = []
        maps = images
        for layer in self.down:
            maps = layer(maps)
            shortcuts.append(maps)
        shortcuts.pop()
        for layer in self.up:
            maps = torch.cat([layer(maps), shortcuts.pop()], dim=1)
        return torch.tanh(self.last(maps))
