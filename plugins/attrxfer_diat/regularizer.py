"""Regularizers: what keeps T's output clean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from attrxfer.errors import AttrxferError
from attrxfer.interfaces import Features, Generator, Run, Slot, TransferStep
from attrxfer_diat.identity import Scale, content
from attrxfer_diat.supervised import Betas, Kept, LearningRate, Positive, Steps

Weight = Annotated[float, Field(ge=0)]


def roughness(maps: Tensor) -> Tensor:
    """The mean absolute difference of neighbours in maps (N, C, H, W), across plus down: a scalar."""
    maps = maps.float()
    return (maps[..., 1:] - maps[..., :-1]).abs().mean() + (maps[..., 1:, :] - maps[..., :-1, :]).abs().mean()


class TotalVariation:
    """Section 3.1.1's alternative: the mean absolute difference of neighbouring pixels of T(x), in -1..1.

    weight: gamma of eq. 7 for this term.
    """

    def __init__(self, *, weight: Weight = 0.1) -> None:
        self.weight = weight

    def __call__(self, step: TransferStep) -> Tensor:
        """Scalar."""
        return roughness(step.output)


class MaskSize:
    """How much of the image T changes: the mean of its mask m plus the mean absolute difference of neighbours in it.

    Not in the paper; it needs a generator that offers a mask (``masked``). weight: its share of T's objective.
    smoothness: of the second term in the first.
    """

    def __init__(self, *, weight: Weight = 0.5, smoothness: Weight = 1.0) -> None:
        self.weight = weight
        self.smoothness = smoothness

    def __call__(self, step: TransferStep) -> Tensor:
        """Scalar. Raises AttrxferError when the generator has no mask."""
        if "mask" not in step.parts:
            raise AttrxferError('regularizer mask_size: this generator learns no mask; use = "masked" does')
        mask = step.parts["mask"].float()
        return mask.mean() + self.smoothness * roughness(mask)


class Denoiser(nn.Module):
    """f of eq. 5: two 3x3 convolutions, images (N, 3, S, S) -> the same shape. Ours, since the paper is silent: ``width``
    channels between them, ReLU, and the second's result added to the image."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, width, 3, padding=1)
        self.second = nn.Conv2d(width, 3, 3, padding=1)
        for parameter in self.second.parameters():
            nn.init.zeros_(parameter)

    def forward(self, images: Tensor) -> Tensor:
        return images + self.second(torch.relu(self.first(images)))


class Perceptual(nn.Module):
    """Eq. 6: T(x) is a fixed point of the denoiser f, which was trained on what g does to faces (eq. 4, 5).

    network: the identity features phi of eq. 4. reconstruction: g, of T's architecture. width: of f. scale: "paper" sums
    over the image as printed, "mean" takes the mean over its 3*S*S values, so that a weight means the same at any size
    (a weight of gamma summed is 3*S*S times gamma as a mean). Images are in -1..1. weight: gamma of eq. 7.
    """

    stages: ClassVar[tuple[tuple[Slot, str], ...]] = (("regularize", "reconstruction"), ("regularize", "denoiser"))

    def __init__(
        self,
        *,
        network: Features,
        reconstruction: Generator,
        width: Positive = 32,
        scale: Literal["paper", "mean"] = "mean",
        weight: Weight = 12.3,
    ) -> None:
        super().__init__()
        self.phi: tuple[Any] = (network,)  # in a tuple: it is its own component, not a part of this one
        self.g: Any = reconstruction
        self.f = Denoiser(width)
        self.scale = scale
        self.weight = weight
        self.requires_grad_(False)

    def __call__(self, step: TransferStep) -> Tensor:
        """Scalar, averaged over the batch."""
        error = (self.f(step.output) - step.output).float().square()
        return error.sum((1, 2, 3)).mean() if self.scale == "paper" else error.mean()


class Reconstruction(Kept):
    """Eq. 4: g learns to rebuild images of the training split from what phi sees of them.

    layers: of phi, counted from 1; 4 and 5 in the paper. scale: as in the identity loss. What phi does not see is
    free, and is what f shall learn to undo.
    """

    def __init__(
        self,
        *,
        steps: Steps = 300,
        batch_size: Positive = 16,
        lr: LearningRate = 1e-3,
        betas: Betas = (0.9, 0.999),
        layers: tuple[Positive, ...] = (4, 5),
        scale: Scale = "relative",
    ) -> None:
        super().__init__(steps=steps, batch_size=batch_size, lr=lr, betas=betas)
        self.layers = layers
        self.scale = scale

    def prepare(self, run: Run, owner: Perceptual) -> None:
        self.phi: Any = owner.phi[0]
        self.attach(run, owner.g, self.phi)

    def step(self, index: int) -> Mapping[str, Tensor]:
        images = self.run.batch("all", index, self.batch_size).images
        with self.run.devices.autocast():
            with torch.no_grad():
                wanted = self.phi(images)
            loss = content(self.phi(self.network(images)), wanted, self.layers, (), self.scale)
        self.run.devices.update(self.optimizer, loss)
        return {"content": loss.detach()}

    def preview(self, images: Tensor) -> Tensor:
        return self.network(images).clamp(-1, 1)


class Denoising(Kept):
    """Eq. 5: f takes g's artifacts off, and leaves clean images alone."""

    def __init__(
        self, *, steps: Steps = 300, batch_size: Positive = 16, lr: LearningRate = 1e-3, betas: Betas = (0.9, 0.999)
    ) -> None:
        super().__init__(steps=steps, batch_size=batch_size, lr=lr, betas=betas)

    def prepare(self, run: Run, owner: Perceptual) -> None:
        self.g: Any = owner.g
        self.attach(run, owner.f, owner.g)

    def step(self, index: int) -> Mapping[str, Tensor]:
        images = self.run.batch("all", index, self.batch_size).images
        self.g.eval()  # g is done with training
        with self.run.devices.autocast():
            with torch.no_grad():
                rebuilt = self.g(images)
            restored, kept = self.network(torch.cat([rebuilt, images])).float().chunk(2)
        terms = {"restored": (restored - images).square().mean(), "kept": (kept - images).square().mean()}
        self.run.devices.update(self.optimizer, torch.stack(list(terms.values())).sum())
        return {name: term.detach() for name, term in terms.items()}

    def preview(self, images: Tensor) -> dict[str, Tensor]:
        """What f makes of g's images and of clean ones."""
        rebuilt = self.g(images)
        previews = {"g(x)": rebuilt, "f(g(x))": self.network(rebuilt), "f(x)": self.network(images)}
        return {name: made.clamp(-1, 1) for name, made in previews.items()}
