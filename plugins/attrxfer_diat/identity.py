"""Identity losses: what keeps the subject the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from attrxfer.errors import AttrxferError
from attrxfer.interfaces import Discrimination, Features, TransferStep

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


def content(
    output: Sequence[Tensor], source: Sequence[Tensor], layers: Sequence[int], weights: Sequence[float], scale: Scale
) -> Tensor:
    """Eq. 2 and 13: ``content_loss`` over layers, counted from 1, times their weights w_l (all 1 when none are given).

    Raises AttrxferError for a layer that the maps do not have, or another number of weights.
    """
    if not all(1 <= layer <= len(source) for layer in layers):
        raise AttrxferError(f"layers = {list(layers)}: this network has layers 1 to {len(source)}")
    if weights and len(weights) != len(layers):
        raise AttrxferError(f"layer_weights = {list(weights)}: there are {len(layers)} layers")
    terms = [
        weight * content_loss(output[layer - 1], source[layer - 1], scale)
        for layer, weight in zip(layers, weights or (1.0,) * len(layers), strict=True)
    ]
    return torch.stack(terms).sum()


class Adaptive:
    """Eq. 12-13: the discriminator's own features of T(x) and of x agree. D is fixed while T is updated.

    layers: D's convolutions, counted from 1; 4 and 5 in the paper. layer_weights: w_l of eq. 13, one a layer; the paper
    gives none: 1. weight: lambda of eq. 14. scale: "relative"
    divides the squared difference by the mean square of x's own features, so that a weight means the same for any network;
    "paper" does not, and 0.1 is the paper's lambda for it.
    discriminator_weight: eq. 14 prints the term inside max over D as well; times this number it is added to what D
    minimises, so a negative one has D drive its features of T(x) and x apart, as printed, and a positive one has D keep
    them together. It costs a pass of D over x and T(x) a D update; -0.1 changed nothing that was measured (drawn faces,
    gender, 500 turns: success 98 and 99%, closer to truth 99 and 99%).
    """

    def __init__(
        self,
        *,
        layers: Annotated[tuple[int, ...], Field(min_length=1)] = (4, 5),
        layer_weights: tuple[float, ...] = (),
        scale: Scale = "relative",
        weight: Annotated[float, Field(ge=0)] = 0.5,
        discriminator_weight: float = 0.0,
    ) -> None:
        self.layers = layers
        self.layer_weights = layer_weights
        self.scale = scale
        self.weight = weight
        self.discriminator_weight = discriminator_weight

    def __call__(self, step: TransferStep) -> Tensor:
        """Scalar. Raises AttrxferError when D has fewer convolutions than ``layers`` asks for."""
        output, source = step.discriminate(step.output).features, step.discriminate(step.source).features
        return content(output, source, self.layers, self.layer_weights, self.scale)

    def discriminator_loss(
        self, discriminator: Callable[[Tensor], Discrimination], source: Tensor, generated: Tensor
    ) -> Mapping[str, Tensor]:
        """D's term "identity" from x and T(x), augmented alike (N, 3, S, S)."""
        features = [maps.chunk(2) for maps in discriminator(torch.cat([source, generated])).features]
        theirs, ours = [maps[0] for maps in features], [maps[1] for maps in features]
        return {"identity": self.discriminator_weight * content(ours, theirs, self.layers, self.layer_weights, self.scale)}


class Backbone:
    """Eq. 1-2: the features of a network that knows faces (VGG-Face in the paper) agree for T(x) and x.

    network: of kind ``features``. layers: its maps, counted from 1; 4 and 5 in the paper. layer_weights: w_l of eq. 2, one
    a layer; the paper gives none: 1. weight: lambda of eq. 7. scale: "relative"
    divides the squared difference by the mean square of x's own features, so that a weight means the same for any network;
    "paper" does not, and 0.1 is the paper's lambda for it.
    """

    def __init__(
        self,
        *,
        network: Features,
        layers: Annotated[tuple[int, ...], Field(min_length=1)] = (4, 5),
        layer_weights: tuple[float, ...] = (),
        scale: Scale = "relative",
        weight: Annotated[float, Field(ge=0)] = 0.5,
    ) -> None:
        self.network = network
        self.layers = layers
        self.layer_weights = layer_weights
        self.scale = scale
        self.weight = weight

    def __call__(self, step: TransferStep) -> Tensor:
        """Scalar. Raises AttrxferError when the network has fewer maps than ``layers`` asks for."""
        output, source = step.features(self.network, step.output), step.features(self.network, step.source)
        return content(output, source, self.layers, self.layer_weights, self.scale)


class Pixels:
    """Half the mean squared difference of the images themselves: the plainest identity loss, to compare with.

    weight: its share of T's objective; images are in -1..1.
    """

    def __init__(self, *, weight: Annotated[float, Field(ge=0)] = 1.0) -> None:
        self.weight = weight

    def __call__(self, step: TransferStep) -> Tensor:
        """Scalar."""
        return (step.output - step.source).float().square().mean() / 2
