"""The enhancement networks of section 3.2, which improve what T makes: eq. 10 and 11."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from kornia.filters import gaussian_blur2d
from pydantic import Field
from torch import Tensor, nn

from attrxfer.errors import Problem
from attrxfer.interfaces import Features, Generator, Locator, RecipeView, Run, Slot
from attrxfer_diat.cached_stage import CachedStage
from attrxfer_diat.identity import Scale, content_loss
from attrxfer_diat.layers import Depth, Kernel, fully_convolutional
from attrxfer_diat.supervised import Betas, LearningRate, Positive, Steps, Sum, Supervised, squared, without_owner

SIDE = 128
"""Side in pixels of the paper's images, for which its sigma is given."""
PHI_LAYERS = 2
"""Number of phi's maps that eq. 10 compares."""


def blur(images: Tensor, sigma: float) -> Tensor:
    """B of eq. 11: Gaussian blur of images (N, 3, S, S). sigma is in pixels at S = 128 and scaled to other sizes."""
    scaled = sigma * images.shape[-1] / SIDE
    kernel = 2 * max(1, round(3 * scaled)) + 1
    return gaussian_blur2d(images, (kernel, kernel), (scaled, scaled), border_type="reflect")


class GlobalEnhancer(nn.Module):
    """E(B(T(x))) of section 3.2: the blur B removes T's artifacts, and E, trained to sharpen blurred faces, restores detail.

    Args:
        network: A network of T's architecture.
        sigma: Standard deviation of the blur in pixels at a side of 128; 1.8 in the paper.
        residual: True: E adds the network's output to B(T(x)), so that the network learns the missing detail only. False: E
            is the network itself, as in the paper.
    """

    stages: ClassVar[tuple[tuple[Slot, str], ...]] = (("enhance", "global_enhancer"),)

    def __init__(self, *, network: Generator, sigma: Annotated[float, Field(gt=0)] = 1.8, residual: bool = True) -> None:
        super().__init__()
        self.network: Any = network
        self.sigma = sigma
        self.residual = residual

    def sharpened(self, blurred: Tensor) -> Tensor:
        """E of blurred images (N, 3, S, S), not clipped."""
        made: Tensor = self.network(blurred)
        return blurred + made if self.residual else made

    def forward(self, image: Tensor, source: Tensor) -> Tensor:
        return self.sharpened(blur(image, self.sigma)).clamp(-1, 1)


class TrainGlobalEnhancer(CachedStage):
    """Eq. 11: E learns to undo B on the training split.

    Args:
        scale: "paper" sums over the image, as printed; "mean" averages.
    """

    def __init__(
        self,
        *,
        steps: Steps = 400,
        batch_size: Positive = 16,
        lr: LearningRate = 1e-4,
        betas: Betas = (0.9, 0.999),
        scale: Sum = "mean",
    ) -> None:
        super().__init__(steps=steps, batch_size=batch_size, lr=lr, betas=betas)
        self.scale = scale

    def check_recipe(self, recipe: RecipeView) -> Iterator[Problem]:
        """No global enhancer."""
        yield from without_owner(self, recipe, "enhancer global")

    def prepare(self, run: Run, owner: GlobalEnhancer) -> None:
        self.owner = owner
        self.sigma, self.residual = owner.sigma, owner.residual
        self.attach(run, owner.network)

    def step(self, index: int) -> Mapping[str, Tensor]:
        images = self.run.batch("all", index, self.batch_size).images
        with self.run.devices.autocast():
            loss = squared(self.owner.sharpened(blur(images, self.sigma)) - images, self.scale)
        self.run.devices.update(self.optimizer, loss)
        return {"sharpened": loss.detach()}

    def preview(self, images: Tensor) -> Tensor:
        """E(B(x)) of real images."""
        return self.owner(images, images)


class LocalEnhancer(nn.Module):
    """E of eq. 10: convolutions on (x, T(x)), trained to give x outside the attribute's region and T(x) inside.

    The paper gives neither the activation (here ReLU) nor the widths.

    Args:
        width: Channels between the convolutions.
        depth: Number of convolutions; four in the paper.
        kernel: Side of the convolutions; the paper gives no number.
        residual: Whether the output is added to T(x), so that an untrained E changes nothing. False: the output is the image.
    """

    stages: ClassVar[tuple[tuple[Slot, str], ...]] = (("enhance", "local_enhancer"),)

    def __init__(self, *, width: Positive = 32, depth: Depth = 4, kernel: Kernel = 3, residual: bool = True) -> None:
        super().__init__()
        self.residual = residual
        self.layers = fully_convolutional(6, width, depth, kernel, residual)

    def forward(self, image: Tensor, source: Tensor) -> Tensor:
        made: Tensor = self.layers(torch.cat([source, image], dim=1))
        output = image + made if self.residual else made
        return output if self.training else output.clamp(-1, 1)


class TrainLocalEnhancer(Supervised):
    """Eq. 10 on the input set. Images without landmarks are left out, since their region is unknown.

    Args:
        network: phi, the features of the second term; its first two maps are compared.
        locator: Finds the attribute's region.
        beta: Weights of the pixels, of phi's first map and of its second; 0.1, 0.5, 1 in the paper.
        scale: "paper" sums the first term over the image and takes the second as eq. 1 has it, as printed. "relative" averages
            the first term and divides the second by the features' own size; inside the region that weighs about 70 times
            more at 128 px.
    """

    def __init__(
        self,
        *,
        network: Features,
        locator: Locator,
        steps: Steps = 400,
        batch_size: Positive = 16,
        lr: LearningRate = 1e-4,
        betas: Betas = (0.9, 0.999),
        beta: tuple[float, float, float] = (0.1, 0.5, 1.0),
        scale: Scale = "relative",
    ) -> None:
        super().__init__(steps=steps, batch_size=batch_size, lr=lr, betas=betas)
        self.scale = scale
        self.phi: Any = network
        self.locator = locator
        self.beta = beta

    def check_recipe(self, recipe: RecipeView) -> Iterator[Problem]:
        """A problem when there is no local enhancer, or when the network has fewer maps than eq. 10 compares."""
        yield from without_owner(self, recipe, "enhancer local")
        count = len(recipe.features(self.phi))
        if count < PHI_LAYERS:
            yield Problem("network", f"eq. 10 compares the first {PHI_LAYERS} maps of this network; it has {count}")

    def prepare(self, run: Run, owner: LocalEnhancer) -> None:
        self.attach(run, owner)

    def step(self, index: int) -> Mapping[str, Tensor]:
        run = self.run
        batch = run.batch("input", index, self.batch_size)
        x = batch.images
        masks = self.locator.masks(run.data, batch)
        known = np.flatnonzero(masks.any((1, 2, 3)))
        if 0 < len(known) < len(masks):
            x, masks = x[run.devices.tensor(known)], masks[known]
        mask = run.devices.tensor(masks)
        run.generator.eval()  # T is already trained
        with run.devices.autocast():
            with torch.no_grad():
                transferred = run.generator(x)
            enhanced = self.network(transferred, x)
            outside = squared((1 - mask) * (enhanced - x), "paper" if self.scale == "paper" else "mean")
            if not len(known):  # an update all the same, as other processes may have made one; "inside" is 0 without a region
                outside = 0 * outside
            pairs = [(enhanced * mask, transferred * mask)]
            with torch.no_grad():
                reference = self.phi(pairs[0][1])
            pairs += list(zip(self.phi(pairs[0][0])[:PHI_LAYERS], reference[:PHI_LAYERS], strict=True))
            inside = [b * content_loss(e, t, self.scale) for b, (e, t) in zip(self.beta, pairs, strict=True)]
        terms = {"outside": outside, "inside": torch.stack(inside).sum()}
        run.devices.update(self.optimizer, torch.stack(list(terms.values())).sum())
        return {name: term.detach() for name, term in terms.items()}

    def preview(self, images: Tensor) -> Tensor:
        return self.network(self.run.generator(images), images)
