"""Identity losses: what keeps the subject the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from attrxfer.interfaces import TransferStep

Scale = Literal["paper", "relative"]


def content_loss(output: Tensor, source: Tensor, scale: Scale) -> Tensor:
    """Eq. 12 (and eq. 1) for one layer's maps (N, C, H, W), averaged over the batch: a scalar.

    "paper": half the squared difference divided by C*H*W, whose size follows the features' own size. "relative": that,
    divided by the mean square of each source's map, so that a weight means the same for any network.
    """
    output, source = output.float(), source.float()  # under autocast the maps may be of lower precision
    loss = (output - source).square().mean((1, 2, 3)) / 2
    if scale == "relative":
        loss = loss / source.square().mean((1, 2, 3)).clamp_min(torch.finfo(torch.float32).tiny)
    return loss.mean()


class Adaptive:
    """Eq. 12-13: the discriminator's own features of T(x) and of x agree. D is fixed while T is updated.

    layers: D's convolutions, counted from 1; 4 and 5 in the paper. layer_weights: w_l of eq. 13, one a layer; the paper
    gives none: 1. weight: lambda of eq. 14. scale: see ``content_loss``; 0.1 is the paper's lambda for "paper".
    """

    def __init__(
        self,
        *,
        layers: Annotated[tuple[int, ...], Field(min_length=1)] = (4, 5),
        layer_weights: tuple[float, ...] = (),
        scale: Scale = "relative",
        weight: Annotated[float, Field(ge=0)] = 0.5,
    ) -> None:
        self.layers = layers
        self.layer_weights = layer_weights
        self.scale = scale
        self.weight = weight

    def __call__(self, step: TransferStep) -> Tensor:
        """Scalar. Raises ValueError when D has fewer convolutions than ``layers`` asks for."""
        output, source = step.discriminate(step.output).features, step.discriminate(step.source).features
        if not all(1 <= layer <= len(source) for layer in self.layers):
            raise ValueError(f"identity.layers {list(self.layers)}: the discriminator has layers 1 to {len(source)}")
        weights: Sequence[float] = self.layer_weights or (1.0,) * len(self.layers)
        terms = [
            weight * content_loss(output[layer - 1].float(), source[layer - 1].float(), self.scale)
            for layer, weight in zip(self.layers, weights, strict=True)
        ]
        return torch.stack(terms).sum()


class Pixels:
    """Half the mean squared difference of the pictures themselves: the plainest identity loss, to compare with.

    weight: its share of T's objective; pictures are in -1..1.
    """

    def __init__(self, *, weight: Annotated[float, Field(ge=0)] = 1.0) -> None:
        self.weight = weight

    def __call__(self, step: TransferStep) -> Tensor:
        """Scalar."""
        return (step.output - step.source).float().square().mean() / 2
