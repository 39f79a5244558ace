"""Regularizers, which keep T's output free of artifacts: eq. 4-6 and total variation; and a loss of mask size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar

import torch
from kornia.losses import total_variation
from pydantic import Field
from torch import Tensor, nn

from attrxfer.errors import AttrxferError, Problem
from attrxfer.interfaces import Features, Generator, RecipeView, Run, Slot, TransferStep
from attrxfer_diat.cached_stage import CachedStage
from attrxfer_diat.identity import Scale, check_layers, content
from attrxfer_diat.layers import Depth, Kernel, fully_convolutional
from attrxfer_diat.supervised import Betas, LearningRate, Positive, Steps, Sum, squared, without_owner

Weight = Annotated[float, Field(ge=0)]
PERCEPTUAL = "regularizer perceptual"
NO_MASK = 'this generator learns no mask; generator.use = "masked" does'


def roughness(maps: Tensor) -> Tensor:
    """Total variation of maps (N, C, H, W), a scalar: the mean absolute difference of horizontal neighbours plus that of
    vertical ones."""
    return total_variation(maps.float(), reduction="mean").mean()


class TotalVariation:
    """Total variation, the alternative of section 3.1.1: the mean absolute difference of neighbouring pixels of T(x).

    Args:
        weight: gamma of eq. 7 for this term; images are in -1..1.
    """

    def __init__(self, *, weight: Weight = 0.1) -> None:
        self.weight = weight

    def __call__(self, step: TransferStep) -> Tensor:
        """A scalar, not yet multiplied by ``weight``."""
        return roughness(step.output)


class MaskSize:
    """How much of the image T changes: the mean of its mask m plus the mean absolute difference of neighbours in it.

    Not in the paper. The generator must make a mask (``masked`` does).

    Args:
        weight: Weight of the term in T's objective.
        smoothness: Weight of the second part, the difference of neighbours, relative to the first.
    """

    def __init__(self, *, weight: Weight = 0.5, smoothness: Weight = 1.0) -> None:
        self.weight = weight
        self.smoothness = smoothness

    def check_recipe(self, recipe: RecipeView) -> Iterator[Problem]:
        """A problem when the generator makes no mask."""
        if "mask" not in recipe.generator_parts:
            yield Problem("", NO_MASK)

    def __call__(self, step: TransferStep) -> Tensor:
        """Measure the mask.

        Returns:
            A scalar, not yet multiplied by ``weight``.

        Raises:
            AttrxferError: The generator makes no mask.
        """
        if "mask" not in step.parts:
            raise AttrxferError(f"regularizer mask_size: {NO_MASK}")
        mask = step.parts["mask"].float()
        return mask.mean() + self.smoothness * roughness(mask)


class Denoiser(nn.Module):
    """f of eq. 5: images (N, 3, S, S) -> the same shape.

    Args:
        width: Channels between the convolutions.
        depth: Number of convolutions; two in the paper.
        kernel: Their side; 3 in the paper.
        residual: Whether f adds its output to the image, so that an untrained f changes nothing.
    """

    def __init__(self, width: int, depth: int, kernel: int, residual: bool) -> None:
        super().__init__()
        self.residual = residual
        self.layers = fully_convolutional(3, width, depth, kernel, residual)

    def forward(self, images: Tensor) -> Tensor:
        made: Tensor = self.layers(images)
        return images + made if self.residual else made


class Perceptual(nn.Module):
    """Eq. 6: the squared difference of f(T(x)) and T(x). The denoiser f was trained to remove g's artifacts (eq. 4, 5).

    Args:
        network: The identity features phi of eq. 4.
        reconstruction: g of eq. 4, of T's architecture.
        width: Channels inside f; the paper gives no number.
        depth: Convolutions of f; two in the paper.
        kernel: Side of f's convolutions; 3 in the paper.
        residual: Whether f adds its output to the image. The paper does not say, nor which activation (here ReLU).
        scale: "paper" sums over the image, as printed. "mean" takes the mean over its 3*S*S values, so that one weight suits
            any size. The weight of the mean is 3*S*S times the weight of the sum.
        weight: gamma of eq. 7; images are in -1..1.
    """

    stages: ClassVar[tuple[tuple[Slot, str], ...]] = (("regularize", "reconstruction"), ("regularize", "denoiser"))

    def __init__(
        self,
        *,
        network: Features,
        reconstruction: Generator,
        width: Positive = 32,
        depth: Depth = 2,
        kernel: Kernel = 3,
        residual: bool = True,
        scale: Sum = "mean",
        weight: Weight = 12.3,
    ) -> None:
        super().__init__()
        self.phi: tuple[Any] = (network,)  # in a tuple, so that torch does not register it: it is a component of its own
        self.g: Any = reconstruction
        self.f = Denoiser(width, depth, kernel, residual)
        self.scale = scale
        self.weight = weight
        self.requires_grad_(False)

    def __call__(self, step: TransferStep) -> Tensor:
        """A scalar, averaged over the batch, not yet multiplied by ``weight``."""
        return squared(self.f(step.output) - step.output, self.scale)


class Reconstruction(CachedStage):
    """Eq. 4: g learns to make images with the same features phi as those of the training split.

    What phi does not measure is unconstrained; it becomes the artifacts that f learns to remove.

    Args:
        layers: Layers of phi that are compared, counted from 1; 4 and 5 in the paper.
        scale: "relative" or "paper", as for the identity losses.
    """

    def __init__(
        self,
        *,
        steps: Steps = 300,
        batch_size: Positive = 16,
        lr: LearningRate = 1e-3,
        betas: Betas = (0.9, 0.999),
        layers: Annotated[tuple[Positive, ...], Field(min_length=1)] = (4, 5),
        scale: Scale = "relative",
    ) -> None:
        super().__init__(steps=steps, batch_size=batch_size, lr=lr, betas=betas)
        self.layers = layers
        self.scale = scale

    def check_recipe(self, recipe: RecipeView) -> Iterator[Problem]:
        """No perceptual regularizer; a layer that its network does not have."""
        owner = recipe.owner(self)
        if isinstance(owner, Perceptual):
            yield from check_layers(self.layers, (), len(recipe.features(owner.phi[0])))
        else:
            yield from without_owner(self, recipe, PERCEPTUAL)

    def prepare(self, run: Run, owner: Perceptual) -> None:
        self.phi: Any = owner.phi[0]
        self.attach(run, owner.g, self.phi)

    def step(self, index: int) -> Mapping[str, Tensor]:
        images = self.run.batch("all", index, self.batch_size).images
        with self.run.devices.autocast():
            with torch.no_grad():
                reference = self.phi(images)
            loss = content(self.phi(self.network(images)), reference, self.layers, (), self.scale)
        self.run.devices.update(self.optimizer, loss)
        return {"content": loss.detach()}

    def preview(self, images: Tensor) -> Tensor:
        return self.network(images).clamp(-1, 1)


class Denoising(CachedStage):
    """Eq. 5: f removes g's artifacts and leaves clean images unchanged.

    Args:
        scale: "paper" sums over the image, as printed; "mean" averages.
    """

    def __init__(
        self,
        *,
        steps: Steps = 300,
        batch_size: Positive = 16,
        lr: LearningRate = 1e-3,
        betas: Betas = (0.9, 0.999),
        scale: Sum = "mean",
    ) -> None:
        super().__init__(steps=steps, batch_size=batch_size, lr=lr, betas=betas)
        self.scale = scale

    def check_recipe(self, recipe: RecipeView) -> Iterator[Problem]:
        """No perceptual regularizer."""
        yield from without_owner(self, recipe, PERCEPTUAL)

    def prepare(self, run: Run, owner: Perceptual) -> None:
        self.g: Any = owner.g
        self.attach(run, owner.f, owner.g)

    def step(self, index: int) -> Mapping[str, Tensor]:
        images = self.run.batch("all", index, self.batch_size).images
        self.g.eval()  # g is already trained
        with self.run.devices.autocast():
            with torch.no_grad():
                rebuilt = self.g(images)
            restored, kept = self.network(torch.cat([rebuilt, images])).float().chunk(2)
        terms = {"restored": squared(restored - images, self.scale), "kept": squared(kept - images, self.scale)}
        self.run.devices.update(self.optimizer, torch.stack(list(terms.values())).sum())
        return {name: term.detach() for name, term in terms.items()}

    def preview(self, images: Tensor) -> dict[str, Tensor]:
        """g(x), f(g(x)) and f(x) for real images x."""
        rebuilt = self.g(images)
        previews = {"g(x)": rebuilt, "f(g(x))": self.network(rebuilt), "f(x)": self.network(images)}
        return {name: made.clamp(-1, 1) for name, made in previews.items()}
