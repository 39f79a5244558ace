"""The recognition network: feature maps, an embedding of the person, and attribute logits."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import interpolate, normalize

from attrxfer.errors import AttrxferError, DataError
from attrxfer.interfaces import DatasetView, Slot
from attrxfer_diat.layers import kaiming
from attrxfer_diat.recognition.description import Description


class DownBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut: (N, C, H, W) -> (N, channels, H / 2, W / 2).

    Args:
        inputs: C.
        channels: Channels of the result.
    """

    def __init__(self, inputs: int, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, channels, 3, 2, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False),
            nn.BatchNorm2d(channels),
        )
        self.shortcut = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(inputs, channels, 1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, maps: Tensor) -> Tensor:
        return torch.relu(self.body(maps) + self.shortcut(maps))


class RecognitionNetwork(nn.Module):
    """A small residual network that learns people and attributes of the run's own training split (stage ``recognition``).

    Images (N, 3, S, S) in -1..1 -> the maps after the stem and after each block, taken after the ReLU. The stem has stride 2,
    and each block halves the side again. Not in the paper.

    Args:
        size: Side of the images in pixels.
        guided: The attributes that results should have; the task's own where the recipe does not say.
        attributes: The data set's attributes that the network learns; empty for those of ``guided``.
        channels: Channels of the stem (a 5x5 convolution) and of each residual block.
        embedding: Length of the embedding; 0 for a network that learns attributes only.
        dropout: Share of the embedding layer's inputs that is left out in training.
        blur: Greatest standard deviation in pixels of the blur in the random views. Where it is above 0, the network sees
            only the structure of T(x) that survives the blur, so that fine patterns in T(x) do not deceive it.
        perturbation: Root mean square of the change that is added to each view in training, along the gradient of the view's
            own loss (adversarial training: Madry et al., ICLR 2018, with one step); images are in -1..1. Small patterns in
            T(x) do not deceive such a network. Its training takes twice the time; 0 adds none.
        side: Side in pixels to which images are reduced before the network sees them; 0 leaves them as they are. A network
            that sees 128 px at 64 learns in a quarter of the time.
        seed: Seed of its initial weights. It is not the run's seed, so that runs with the same data and settings share the
            trained network.
    """

    stages: ClassVar[tuple[tuple[Slot, str], ...]] = (("features", "recognition"),)

    def __init__(
        self,
        *,
        size: Annotated[int, Field(ge=16, multiple_of=16)],
        guided: Annotated[dict[str, bool], Field(min_length=1)],
        attributes: tuple[str, ...] = (),
        channels: Annotated[tuple[int, ...], Field(min_length=2, max_length=4)] = (24, 48, 96, 128),
        embedding: Annotated[int, Field(ge=0)] = 128,
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.3,
        blur: Annotated[float, Field(ge=0)] = 0.0,
        perturbation: Annotated[float, Field(ge=0)] = 0.0,
        side: Annotated[int, Field(ge=0, multiple_of=16)] = 0,
        seed: Annotated[int, Field(ge=0)] = 0,
    ) -> None:
        super().__init__()
        self.attributes = attributes or tuple(guided)
        self.embedding = embedding
        self.blur = blur
        self.perturbation = perturbation
        stem, last = channels[0], channels[-1]
        if side > size:
            raise AttrxferError(f"network recognition: side = {side} is more than the images' {size} px")
        self.side = side or size
        last_side = self.side // 2 ** len(channels)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.stem = nn.Sequential(nn.Conv2d(3, stem, 5, 2, 2, bias=False), nn.BatchNorm2d(stem), nn.ReLU(inplace=True))
            self.blocks = nn.ModuleList(DownBlock(a, b) for a, b in pairwise(channels))
            self.person = None
            if embedding:
                flat = nn.Linear(last * last_side**2, embedding, bias=False)
                self.person = nn.Sequential(nn.Flatten(), nn.Dropout(dropout), flat, nn.BatchNorm1d(embedding))
            self.classifier = nn.Linear(last, len(self.attributes))
            kaiming(self, 0.0)
        self.requires_grad_(False).eval()

    @classmethod
    def attributes_read(cls, **parameters: Any) -> Sequence[str]:
        """The attributes that the network learns."""
        return parameters["attributes"] or list(parameters["guided"])

    def check_data(self, data: DatasetView) -> None:
        """Check that the data set has the attributes.

        Raises:
            DataError: One is missing.
        """
        known = data.records.attributes
        missing = [name for name in self.attributes if name not in known]
        if missing:
            raise DataError(
                f"the recognition network learns {', '.join(missing)}, missing in the data set, which has "
                f"{', '.join(sorted(known))}: set network.attributes of the losses that use it"
            )

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        if images.shape[-1] != self.side:
            images = interpolate(images, (self.side, self.side), mode="area")
        maps = [self.stem(images)]
        for block in self.blocks:
            maps.append(block(maps[-1]))
        return tuple(maps)

    def describe(self, images: Tensor) -> Description:
        """Read images (N, 3, S, S) in -1..1: embeddings (N, E) and attribute logits (N, A), in float32."""
        last = self(images)[-1]
        embedding = last.new_zeros(len(images), 0) if self.person is None else self.person(last)
        return Description(normalize(embedding.float()), self.classifier(last.mean((2, 3))).float())

    def train(self, mode: bool = True) -> RecognitionNetwork:
        """Batch statistics and dropout are those of training only while the network is trained itself."""
        return super().train(mode and all(parameter.requires_grad for parameter in self.parameters()))
