"""Discriminators that judge patches: PatchGAN, at several scales, and with attributes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d
from torch.nn.utils.parametrizations import spectral_norm

from attrxfer.errors import AttrxferError
from attrxfer.interfaces import Discrimination

Width = Annotated[int, Field(ge=4, le=256)]
Layers = Annotated[int, Field(ge=1, le=6)]
Norm = Literal["none", "instance", "spectral"]
SLOPE = 0.2
WIDEST = 8
"""Channels of any layer, in units of ``width``, at most."""


def side_after(size: int, layers: int) -> int:
    """Side of the logit map that a ``Patches`` network makes of images with this side; below 1 where they are too small."""
    for _ in range(layers):
        size //= 2
    return size - 2


class Patches(nn.Module):
    """Images (N, 3, S, S) -> the maps of each convolution, the last one of logits (N, 1, S', S').

    ``layers`` 4x4 convolutions of stride 2, one of stride 1, one to the logits, as in pix2pix: each logit sees 16, 34, 70 or
    142 pixels with 1, 2, 3 or 4 layers. The maps are taken after the LeakyReLU.

    Args:
        width: Channels of the first layer; doubled in each, up to eight times.
        layers: Convolutions of stride 2.
        norm: "instance" normalises all but the first and the last map, "spectral" the weights of all convolutions.
    """

    def __init__(self, width: int, layers: int, norm: Norm) -> None:
        super().__init__()
        channels = [3, *(min(2**i, WIDEST) * width for i in range(layers + 1))]
        self.layers = nn.ModuleList()
        for number, (inputs, outputs) in enumerate(pairwise(channels)):
            stride = 2 if number < layers else 1
            normal = norm == "instance" and number > 0
            convolution = _normalised(nn.Conv2d(inputs, outputs, 4, stride, 1, bias=not normal), norm)
            own = [nn.InstanceNorm2d(outputs, affine=True)] if normal else []
            self.layers.append(nn.Sequential(convolution, *own, nn.LeakyReLU(SLOPE)))
        self.logits = _normalised(nn.Conv2d(channels[-1], 1, 4, 1, 1), norm)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        maps = [images]
        for layer in self.layers:
            maps.append(layer(maps[-1]))
        return (*maps[1:], self.logits(maps[-1]))


def _normalised(layer: nn.Module, norm: Norm) -> nn.Module:
    made: nn.Module = spectral_norm(layer) if norm == "spectral" else layer
    return made


class PatchDiscriminator(nn.Module):
    """PatchGAN: images (N, 3, S, S) in -1..1 -> a logit for each patch (N, P), and the map of each convolution but the last.

    The 70-pixel patches of pix2pix and CycleGAN have 3 layers, for images of 256 px.

    Args:
        size: Side of the images in pixels.
        width: Channels of the first layer; 64 in pix2pix.
        layers: Convolutions of stride 2: a logit sees 16, 34, 70 or 142 pixels with 1, 2, 3 or 4 of them.
        norm: "instance" normalises maps (CycleGAN), "spectral" the weights (Miyato et al., ICLR 2018).
    """

    def __init__(
        self, *, size: Annotated[int, Field(ge=16)], width: Width = 32, layers: Layers = 2, norm: Norm = "instance"
    ) -> None:
        super().__init__()
        _check_side("patch", size, layers)
        self.patches = Patches(width, layers, norm)

    def forward(self, images: Tensor) -> Discrimination:
        *features, logits = self.patches(images)
        return Discrimination(logits.flatten(1), tuple(features))


class MultiScaleDiscriminator(nn.Module):
    """A PatchGAN for the image and for each reduction of it by two: all their logits (N, P), and all their maps, the largest
    image's first. The losses give each patch the same weight, so the finer scale counts more.

    Args:
        size: Side of the images in pixels.
        scales: Number of images, each half as large as the one before; 3 in pix2pixHD, for images of 1024 px.
        width: Channels of each network's first layer.
        layers: Convolutions of stride 2 in each network.
        norm: As in ``patch``.
    """

    def __init__(
        self,
        *,
        size: Annotated[int, Field(ge=16)],
        scales: Annotated[int, Field(ge=1, le=4)] = 2,
        width: Width = 32,
        layers: Layers = 1,
        norm: Norm = "spectral",
    ) -> None:
        super().__init__()
        _check_side("multi_scale", size // 2 ** (scales - 1), layers, f" at the last of {scales} scales")
        self.scales = nn.ModuleList(Patches(width, layers, norm) for _ in range(scales))

    def forward(self, images: Tensor) -> Discrimination:
        logits, features = [], []
        for number, network in enumerate(self.scales):
            images = avg_pool2d(images, 2) if number else images
            *maps, last = network(images)
            logits.append(last.flatten(1))
            features += maps
        return Discrimination(torch.cat(logits, dim=1), tuple(features))


class AttributePatchDiscriminator(nn.Module):
    """StarGAN's discriminator: a logit for each patch (N, P), and one for each attribute from a convolution over all that is
    left of the image. No norm. Images are (N, 3, S, S) in -1..1.

    Args:
        size: Side of the images in pixels.
        attributes: The attributes that it learns.
        classification: Weight of the cross-entropy of the attributes' logits, summed over attributes, for T as for D; 1 in
            StarGAN.
        width: Channels of the first layer; doubled in each, up to eight times; 64 and no such limit in StarGAN.
        layers: Convolutions of stride 2; 6 in StarGAN, for images of 128 px.
    """

    conditional = False  # StarGAN's D is told nothing

    def __init__(
        self,
        *,
        size: Annotated[int, Field(ge=16, multiple_of=16)],
        attributes: Annotated[tuple[str, ...], Field(min_length=1)],
        classification: Annotated[float, Field(ge=0)] = 1.0,
        width: Width = 32,
        layers: Annotated[int, Field(ge=1, le=6)] = 4,
    ) -> None:
        super().__init__()
        side = size // 2**layers
        if side < 1:
            raise AttrxferError(f"discriminator patch_many: layers = {layers} is too many for images of {size} px")
        self.attributes = attributes
        self.classification = classification
        channels = [3, *(min(2**i, WIDEST) * width for i in range(layers))]
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Conv2d(inputs, outputs, 4, 2, 1), nn.LeakyReLU(0.01)) for inputs, outputs in pairwise(channels)
        )
        self.logits = nn.Conv2d(channels[-1], 1, 3, padding=1, bias=False)
        self.classifier = nn.Conv2d(channels[-1], len(attributes), side, bias=False)

    @classmethod
    def attributes_read(cls, **parameters: Any) -> Sequence[str]:
        """The attributes that it learns."""
        names: Sequence[str] = parameters["attributes"]
        return names

    def forward(self, images: Tensor) -> Discrimination:
        maps = [images]
        for layer in self.layers:
            maps.append(layer(maps[-1]))
        return Discrimination(self.logits(maps[-1]).flatten(1), tuple(maps[1:]), self.classifier(maps[-1]).flatten(1))


def _check_side(name: str, size: int, layers: int, where: str = "") -> None:
    if side_after(size, layers) < 1:
        raise AttrxferError(f"discriminator {name}: layers = {layers} is too many for images of {size} px{where}")
