"""The attribute loss, eq. 3: what T minimises and what D minimises."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import softplus

from attrxfer.errors import Problem
from attrxfer.interfaces import Discrimination, DiscriminatorTerms, RecipeView, Slot
from attrxfer_diat.augmentation import Augmentation

Share = Annotated[float, Field(ge=0, le=1)]


class Gan:
    """Eq. 3 with the non-saturating loss for T (-log D(T(x))) and the standard one for D: -log D(a) - log(1 - D(T(x))).

    Eq. 3 prints "1 - log D(T(x))" for the last term; minimising that has no lower bound.

    Augmentation changes guided and generated images at random before D sees them, and T's gradient passes through it.
    Augmentation and the penalty R1 keep D from memorising a small data set; the paper has neither. With ``adaptive``, only
    some images are augmented, and more of them the better D knows the guided ones (ADA: Karras et al., NeurIPS 2020): the
    probability rises while the mean sign of D's logits of guided images is above ``adaptive``, and falls while it is below.

    Args:
        r1: Weight of the penalty on the squared gradient of D at guided images; 0 leaves it out.
        r1_every: Updates of D from one with the penalty to the next; the penalty is multiplied by this number.
        shift: Greatest displacement of an image in each direction, as a share of its side.
        brightness: Greatest number that is added to or taken from all values of an image, which are in -1..1.
        contrast: Greatest relative change of the differences from the image's mean: factors lie in 1 - contrast ..
            1 + contrast.
        rotate: Greatest angle in degrees by which an image is turned.
        zoom: Greatest relative change of an image's size: factors lie in 1 / (1 + zoom) .. 1 + zoom.
        adaptive: The mean sign of D's logits of guided images that the probability of augmentation is driven to; ADA takes
            0.6. 0: every image is augmented.
        adaptive_images: Guided images that D sees while the probability rises from 0 to 1.

    Attributes:
        probability: The probability that an image is moved, and that its colours are changed.
    """

    stages: ClassVar[tuple[tuple[Slot, str], ...]] = (
        ("pretrain", "pretrain_generator"),
        ("pretrain", "pretrain_discriminator"),
        ("adversarial", "adversarial"),
    )
    discriminator_terms: ClassVar[DiscriminatorTerms] = DiscriminatorTerms(
        names=("guided", "generated"),
        chance=2 * math.log(2),
        remedies={
            "the discriminator won": "T learns only patterns that fool D: hold D back with --set adversarial.r1=1 or "
            "adversarial.shift=0.1, or train on more images",
            "the output equals the input": "the attribute loss changes too little: lower identity.weight, or train longer "
            "(--set train.adversarial.steps=...)",
            "mode collapse": "T makes one image of all: raise identity.weight, or lower train.adversarial.lr",
            "colour drift": "D tells guided images by their colours: let it see changed ones (--set "
            "adversarial.brightness=0.2 --set adversarial.contrast=0.2), or raise identity.weight",
        },
    )

    def __init__(
        self,
        *,
        r1: Annotated[float, Field(ge=0)] = 0.0,
        r1_every: Annotated[int, Field(ge=1)] = 8,
        shift: Share = 0.0,
        brightness: Share = 0.0,
        contrast: Share = 0.0,
        rotate: Annotated[float, Field(ge=0, le=180)] = 0.0,
        zoom: Share = 0.0,
        adaptive: Annotated[float, Field(ge=0, lt=1)] = 0.0,
        adaptive_images: Annotated[int, Field(ge=1)] = 16000,
    ) -> None:
        self.r1 = r1
        self.r1_every = r1_every
        self.augmentation = Augmentation(shift, rotate, zoom, brightness, contrast)
        self.adaptive = adaptive
        self.adaptive_images = adaptive_images
        self.probability = 0.0 if adaptive else 1.0
        self.guided_logits: Tensor | None = None

    def check_recipe(self, recipe: RecipeView) -> Iterator[Problem]:
        """A problem when nothing is there to be augmented with an adaptive probability."""
        if self.adaptive and not any(vars(self.augmentation).values()):
            yield Problem("adaptive", f"{self.adaptive:g}: no augmentation is set: shift, rotate, zoom, brightness or contrast")

    def augment(self, images: Tensor, uniform: Tensor) -> Tensor:
        """Change images at random, see ``Augmentation``.

        Args:
            images: (N, 3, S, S) in -1..1.
            uniform: Random numbers (N, 8) in 0..1.

        Returns:
            Images (N, 3, S, S), differentiable; ``images`` itself when all augmentation is off.
        """
        return self.augmentation(images, uniform, self.probability)

    def adapt(self, logits: Tensor) -> None:
        """Raise or lower the probability of augmentation, by D's logits of guided images (N,) in its last update."""
        if self.adaptive:
            change = math.copysign(len(logits) / self.adaptive_images, float(logits.sign().mean()) - self.adaptive)
            self.probability = min(1.0, max(0.0, self.probability + change))

    def generator_loss(self, generated: Tensor) -> Tensor:
        """-log D(T(x)), averaged, from logits (N,)."""
        return softplus(-generated).mean()

    def discriminator_loss(
        self, discriminator: Callable[[Tensor], Discrimination], guided: Tensor, generated: Tensor, update: int
    ) -> Mapping[str, Tensor]:
        """D's terms, from one pass over guided and generated images together (X' in line 5 of Algorithm 1).

        Args:
            discriminator: D.
            guided: Real images with the attribute (N, 3, S, S).
            generated: T(x) (N, 3, S, S).
            update: Number of this update of D, from 0; every ``r1_every``-th has the penalty R1.

        Returns:
            Scalars by name: "guided", "generated" and, with the penalty, "r1".
        """
        penalise = self.r1 > 0 and update % self.r1_every == 0
        if penalise:
            guided = guided.detach().requires_grad_(True)
        logit = discriminator(torch.cat([guided, generated])).logit
        real, fake = logit[: len(guided)], logit[len(guided) :]
        self.guided_logits = real.detach()
        terms = {"guided": softplus(-real).mean(), "generated": softplus(fake).mean()}
        if penalise:
            (gradient,) = torch.autograd.grad(real.sum(), guided, create_graph=True)
            terms["r1"] = self.r1 * self.r1_every / 2 * gradient.square().sum((1, 2, 3)).mean()
        return terms
