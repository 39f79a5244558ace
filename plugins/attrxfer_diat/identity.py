"""Identity losses, which keep the subject the same: eq. 1-2 and 12-13."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from attrxfer.errors import AttrxferError, Problem
from attrxfer.interfaces import Discrimination, Features, RecipeView, TransferStep

Scale = Literal["paper", "relative"]


def check_layers(layers: Sequence[int], weights: Sequence[float], count: int) -> Iterator[Problem]:
    """Problems of the settings ``layers`` (counted from 1) and ``layer_weights`` for a network with ``count`` layers."""
    if not all(1 <= layer <= count for layer in layers):
        yield Problem("layers", f"{list(layers)}: this network has layers 1 to {count}")
    if weights and len(weights) != len(layers):
        yield Problem("layer_weights", f"{list(weights)}: there are {len(layers)} layers")


def content_loss(output: Tensor, source: Tensor, scale: Scale) -> Tensor:
    """Eq. 12 (and eq. 1) for the maps of one layer, averaged over the batch.

    Args:
        output: Maps (N, C, H, W) of T(x).
        source: Maps (N, C, H, W) of x.
        scale: "paper" takes half the squared difference divided by C*H*W, which grows with the features' own size.
            "relative" divides that by the mean square of each source's maps, so that one weight suits any network.

    Returns:
        A scalar.
    """
    output, source = output.float(), source.float()  # under autocast the maps may be of lower precision
    loss = (output - source).square().mean((1, 2, 3)) / 2
    if scale == "relative":
        loss = loss / source.square().mean((1, 2, 3)).clamp_min(torch.finfo(torch.float32).tiny)
    return loss.mean()


def content(
    output: Sequence[Tensor], source: Sequence[Tensor], layers: Sequence[int], weights: Sequence[float], scale: Scale
) -> Tensor:
    """Eq. 2 and 13: the weighted sum of ``content_loss`` over layers.

    Args:
        output: The maps of T(x), first layer to last.
        source: The maps of x, first layer to last.
        layers: Which layers are compared, counted from 1.
        weights: w_l, one a layer; all 1 when empty.
        scale: As in ``content_loss``.

    Returns:
        A scalar.

    Raises:
        AttrxferError: A layer does not exist, or the numbers of weights and layers differ.
    """
    for problem in check_layers(layers, weights, len(source)):
        raise AttrxferError(f"{problem.path} = {problem.message}")
    terms = [
        weight * content_loss(output[layer - 1], source[layer - 1], scale)
        for layer, weight in zip(layers, weights or (1.0,) * len(layers), strict=True)
    ]
    return torch.stack(terms).sum()


class Adaptive:
    """Eq. 12-13: the distance between the discriminator's features of T(x) and of x. D is fixed while T is updated.

    Eq. 14 prints this term inside max over D as well. ``discriminator_weight`` times the term is added to D's loss: with a
    negative weight D increases the distance, as printed; with a positive one D decreases it. A weight other than 0 costs
    one more pass of D over x and T(x) in each update of D. A weight of -0.1 changed no score (drawn faces, gender, 500
    iterations: attribute accuracy 98% without it and 99% with it, closer to truth 99% in both).

    Args:
        layers: D's convolutions that are compared, counted from 1; 4 and 5 in the paper.
        layer_weights: w_l of eq. 13, one a layer; empty: all 1. The paper gives none.
        scale: "relative" divides the squared difference by the mean square of x's features, so that one weight suits any
            network. "paper" does not divide; the paper's lambda for it is 0.1.
        weight: lambda of eq. 14.
        discriminator_weight: Weight of the term in D's update; 0 leaves it out.
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

    def check_recipe(self, recipe: RecipeView) -> Iterator[Problem]:
        """Problems: a layer that D does not have; numbers of weights and layers that differ."""
        yield from check_layers(self.layers, self.layer_weights, len(recipe.discriminator_features))

    def __call__(self, step: TransferStep) -> Tensor:
        """Compare D's features of T(x) and of x.

        Returns:
            A scalar, not yet multiplied by ``weight``.

        Raises:
            AttrxferError: D has fewer convolutions than ``layers`` asks for.
        """
        output, source = step.discriminate(step.output).features, step.discriminate(step.source).features
        return content(output, source, self.layers, self.layer_weights, self.scale)

    def discriminator_loss(
        self, discriminator: Callable[[Tensor], Discrimination], source: Tensor, generated: Tensor
    ) -> Mapping[str, Tensor]:
        """Eq. 14's term inside max over D.

        Args:
            discriminator: D.
            source: x (N, 3, S, S).
            generated: T(x) (N, 3, S, S), augmented as ``source`` is.

        Returns:
            A scalar that D minimises, under the name "identity".
        """
        features = [maps.chunk(2) for maps in discriminator(torch.cat([source, generated])).features]
        of_source, of_generated = [maps[0] for maps in features], [maps[1] for maps in features]
        term = content(of_generated, of_source, self.layers, self.layer_weights, self.scale)
        return {"identity": self.discriminator_weight * term}


class Backbone:
    """Eq. 1-2: the distance between a face network's features (VGG-Face in the paper) of T(x) and of x.

    Args:
        network: The network whose features are compared.
        layers: Its maps that are compared, counted from 1; 4 and 5 in the paper.
        layer_weights: w_l of eq. 2, one a layer; empty: all 1. The paper gives none.
        scale: "relative" divides the squared difference by the mean square of x's features, so that one weight suits any
            network. "paper" does not divide; the paper's lambda for it is 0.1.
        weight: lambda of eq. 7.
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

    def check_recipe(self, recipe: RecipeView) -> Iterator[Problem]:
        """Problems: a layer that the network does not have; numbers of weights and layers that differ."""
        yield from check_layers(self.layers, self.layer_weights, len(recipe.features(self.network)))

    def __call__(self, step: TransferStep) -> Tensor:
        """Compare the network's features of T(x) and of x.

        Returns:
            A scalar, not yet multiplied by ``weight``.

        Raises:
            AttrxferError: The network has fewer maps than ``layers`` asks for.
        """
        output, source = step.features(self.network, step.output), step.features(self.network, step.source)
        return content(output, source, self.layers, self.layer_weights, self.scale)


class Pixels:
    """Half the mean squared difference of the images themselves (-1..1): the simplest identity loss, for comparison.

    Args:
        weight: Weight of the term in T's objective.
    """

    def __init__(self, *, weight: Annotated[float, Field(ge=0)] = 1.0) -> None:
        self.weight = weight

    def __call__(self, step: TransferStep) -> Tensor:
        """A scalar, not yet multiplied by ``weight``."""
        return (step.output - step.source).float().square().mean() / 2
