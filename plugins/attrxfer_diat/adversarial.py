"""The attribute loss, eq. 3, and its later forms: what T minimises and what D minimises."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from attrxfer.errors import Problem
from attrxfer.interfaces import Discrimination, DiscriminatorTerms, RecipeView, Slot
from attrxfer_diat.augmentation import Augmentation
from attrxfer_diat.formulas import FORMULAS, LossName

Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0)]

SMALL = 1e-12
"""Added to a squared norm: the root has no gradient at 0."""


class Gan:
    """Eq. 3 with the non-saturating loss for T (-log D(T(x))) and the standard one for D: -log D(a) - log(1 - D(T(x))).

    Eq. 3 prints "1 - log D(T(x))" for the last term; minimising that has no lower bound. ``loss`` chooses another loss, not in
    the paper:

    - "least_squares" (LSGAN): D's logits are driven to 1 for guided images and to -1 for generated ones.
    - "hinge": guided logits above 1 and generated ones below -1 cost nothing.
    - "wasserstein": D's mean logit of guided images minus that of generated ones; it needs ``gradient_penalty`` (WGAN-GP).
    - "relativistic": each guided image is paired with a generated one, and cross-entropy is taken of the difference of their
      logits; T sees guided images too. With ``r1`` and ``r2`` that is R3GAN's loss.

    Augmentation changes guided and generated images at random before D sees them, and T's gradient passes through it.
    Augmentation and the penalty R1 keep D from memorising a small data set; the paper has neither. With ``adaptive``, only
    some images are augmented, and more of them the better D knows the guided ones (ADA: Karras et al., NeurIPS 2020): the
    probability rises while the mean sign of D's logits of guided images is above ``adaptive``, and falls while it is below.

    Args:
        loss: The form of the loss: "cross_entropy" is eq. 3's.
        r1: Weight of the penalty on the squared gradient of D at guided images; 0 leaves it out.
        r2: The same at generated images.
        r1_every: Updates of D from one with the penalties R1 and R2 to the next; they are multiplied by this number.
        gradient_penalty: Weight of the squared difference of 1 and the norm of D's gradient, at images between guided and
            generated ones (Gulrajani et al., NeurIPS 2017), in each update of D; 0 leaves it out; 10 there.
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
        probability: The probability that an image is moved, and that its colours are changed: a scalar.
    """

    stages: ClassVar[tuple[tuple[Slot, str], ...]] = (
        ("pretrain", "pretrain_generator"),
        ("pretrain", "pretrain_discriminator"),
        ("adversarial", "adversarial"),
    )
    terms: ClassVar[DiscriminatorTerms] = DiscriminatorTerms(
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
        loss: LossName = "cross_entropy",
        r1: Weight = 0.0,
        r2: Weight = 0.0,
        gradient_penalty: Weight = 0.0,
        r1_every: Annotated[int, Field(ge=1)] = 8,
        shift: Share = 0.0,
        brightness: Share = 0.0,
        contrast: Share = 0.0,
        rotate: Annotated[float, Field(ge=0, le=180)] = 0.0,
        zoom: Share = 0.0,
        adaptive: Annotated[float, Field(ge=0, lt=1)] = 0.0,
        adaptive_images: Annotated[int, Field(ge=1)] = 16000,
    ) -> None:
        self.loss = loss
        self.r1 = r1
        self.r2 = r2
        self.gradient_penalty = gradient_penalty
        self.r1_every = r1_every
        self.augmentation = Augmentation(shift, rotate, zoom, brightness, contrast)
        self.adaptive = adaptive
        self.adaptive_images = adaptive_images
        self.probability = torch.tensor(0.0 if adaptive else 1.0)
        self.guided_logits: Tensor | None = None

    @property
    def compares_real(self) -> bool:
        """Whether T's loss is of pairs."""
        return self.loss == "relativistic"

    @property
    def discriminator_terms(self) -> DiscriminatorTerms:
        """The terms that measure D, and their sum at chance; none for "wasserstein", whose loss has no bound."""
        chance = FORMULAS[self.loss].chance
        if chance is None:
            return replace(self.terms, names=(), chance=0.0)
        return replace(self.terms, names=("pairs",) if self.compares_real else self.terms.names, chance=chance)

    def check_recipe(self, recipe: RecipeView) -> Iterator[Problem]:
        """Problems: no augmentation for an adaptive probability; nothing that bounds the Wasserstein loss."""
        if self.loss == "wasserstein" and not self.gradient_penalty:
            yield Problem("gradient_penalty", 'loss = "wasserstein" has no lower bound without it: 10 is usual')
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
            known = logits.float().sign().mean() - self.adaptive
            change = torch.copysign(torch.full_like(known, len(logits) / self.adaptive_images), known)
            self.probability = (self.probability + change).clamp(0, 1)

    def generator_loss(self, generated: Tensor) -> Tensor:
        """-log D(T(x)), or what ``loss`` says, averaged, from logits (N,) or (N, P)."""
        return FORMULAS[self.loss].fooled(generated.float()).mean()

    def compared_loss(self, generated: Tensor, real: Tensor) -> Tensor:
        """The loss of pairs: generated images should have higher logits than real ones."""
        return FORMULAS[self.loss].fooled(generated.float() - real.float()).mean()

    def discriminator_loss(
        self, discriminator: Callable[[Tensor], Discrimination], guided: Tensor, generated: Tensor, update: int
    ) -> Mapping[str, Tensor]:
        """D's terms, from one pass over guided and generated images together (X' in line 5 of Algorithm 1).

        Args:
            discriminator: D.
            guided: Real images with the attribute (N, 3, S, S).
            generated: T(x) (N, 3, S, S).
            update: Number of this update of D, from 0; every ``r1_every``-th has the penalties R1 and R2.

        Returns:
            Scalars by name: "guided" and "generated", or "pairs", and the penalties "r1", "r2" and "gradient penalty".
        """
        often = update % self.r1_every == 0
        weights = {"r1": self.r1 * self.r1_every / 2 * often, "r2": self.r2 * self.r1_every / 2 * often}
        inputs = {"r1": guided.detach(), "r2": generated.detach()}
        for name, images in inputs.items():
            images.requires_grad_(weights[name] > 0)
        # under autocast logits may be bfloat16, which is too coarse for the small losses of a good D
        logit = discriminator(torch.cat([inputs["r1"], inputs["r2"]])).logit.float()
        real, fake = logit[: len(guided)], logit[len(guided) :]
        self.guided_logits = real.detach()
        formula = FORMULAS[self.loss]
        if self.compares_real:
            terms = {"pairs": formula.real(real - fake).mean()}
        else:
            terms = {"guided": formula.real(real).mean(), "generated": formula.generated(fake).mean()}
        for (name, images), logits in zip(inputs.items(), (real, fake), strict=True):
            if weights[name] > 0:
                terms[name] = weights[name] * slopes(logits, images).mean()
        if self.gradient_penalty:
            share = torch.rand(len(guided), 1, 1, 1, device=guided.device)
            between = torch.lerp(generated.detach().float(), guided.detach().float(), share).requires_grad_(True)
            steepness = (slopes(discriminator(between).logit.float(), between) + SMALL).sqrt()
            terms["gradient penalty"] = self.gradient_penalty * (steepness - 1).square().mean()
        return terms


def slopes(logits: Tensor, images: Tensor) -> Tensor:
    """The squared norm (N,) of the gradient of each image's logit, or of the sum of its patches' logits, at the image."""
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradient.float().square().sum((1, 2, 3))
