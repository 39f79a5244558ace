"""A discriminator of small patches, which plays against T beside D and knows no attribute: any real image is right."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from attrxfer.interfaces import TransferStep


class PatchDiscriminator(nn.Module):
    """Images (N, 3, S, S) in -1..1 -> logits (N, 1, S / 4 - 2, S / 4 - 2), one for each patch of 34 x 34 pixels.

    PatchGAN (Isola et al., CVPR 2017) with spectral normalisation (Miyato et al., ICLR 2018).

    Args:
        width: Channels of the first layer.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for (inputs, outputs), stride in zip(pairwise((3, width, 2 * width, 4 * width)), (2, 2, 1), strict=True):
            layers += [spectral_norm(nn.Conv2d(inputs, outputs, 4, stride, 1)), nn.LeakyReLU(0.2, inplace=True)]
        self.layers = nn.Sequential(*layers, spectral_norm(nn.Conv2d(4 * width, 1, 4, 1, 1)))

    def forward(self, images: Tensor) -> Tensor:
        made: Tensor = self.layers(images)
        return made


class Patches:
    """Each patch of T(x) looks like one of a photograph: minus the mean logit of a patch discriminator (hinge loss).

    D judges the attribute, and for it only images with the attribute are real. Here x is real too, so this term forbids
    patterns that no image has, such as coloured noise, and asks for no attribute. Not in the paper.

    Args:
        width: Channels of the patch discriminator's first layer.
        weight: Weight of the term in T's objective.
    """

    def __init__(self, *, width: Annotated[int, Field(ge=4, le=256)] = 24, weight: Annotated[float, Field(ge=0)] = 0.3) -> None:
        self.weight = weight
        self.discriminator = PatchDiscriminator(width)

    def __call__(self, step: TransferStep) -> Tensor:
        """A scalar, not yet multiplied by ``weight``."""
        return -self.discriminator(step.output).float().mean()

    def own_discriminator_loss(self, real: Tensor, source: Tensor, generated: Tensor) -> Mapping[str, Tensor]:
        """The hinge loss: logits of real patches above 1 and of generated ones below -1 cost nothing.

        Args:
            real: Images with the attribute (N, 3, S, S) in -1..1; the second half of them is real here.
            source: Images to transfer (N, 3, S, S); the first half of them is real here.
            generated: T(x) (N, 3, S, S).

        Returns:
            A scalar, under the name "patches"; 2 at chance.
        """
        half = len(real) // 2
        real = torch.cat([real[half:], source[:half]])
        logits = self.discriminator(torch.cat([real, generated])).float()
        of_real, of_generated = logits[: len(real)], logits[len(real) :]
        return {"patches": torch.relu(1 - of_real).mean() + torch.relu(1 + of_generated).mean()}
