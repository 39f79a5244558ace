"""CycleGAN's other half: a generator that transfers back, its discriminator, and what both generators owe each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor, nn

from attrxfer.interfaces import Discriminator, Generator, TransferStep

Weight = Annotated[float, Field(ge=0)]


class Cycle:
    """F transfers images with the attribute, y, back to images without it.

    The term is the sum of F's own adversarial loss (least squares, against a discriminator of its own, for which x is real),
    ``cycle`` times the mean absolute differences of F(T(x)) and x, and of T(F(y)) and y, and ``identity`` times those of T(y)
    and y, and of F(x) and x. It takes T two more passes an update, and F three. F is no part of the bundle. CycleGAN's second
    image pool is left out.

    Args:
        generator: F.
        discriminator: What F plays against.
        cycle: Weight of the two cycles; 10 in CycleGAN.
        identity: Weight of the two identity terms; 5 in CycleGAN; 0 leaves them and their passes out.
        weight: Weight of the whole in the objective.
    """

    def __init__(
        self,
        *,
        generator: Generator,
        discriminator: Discriminator,
        cycle: Weight = 10.0,
        identity: Weight = 5.0,
        weight: Weight = 1.0,
    ) -> None:
        assert isinstance(generator, nn.Module) and isinstance(discriminator, nn.Module)
        self.generator = generator
        self.discriminator = discriminator
        self.cycle = cycle
        self.identity = identity
        self.weight = weight

    def __call__(self, step: TransferStep) -> Tensor:
        """A scalar, not yet multiplied by ``weight``."""
        back, x, y = self.generator, step.source, step.real
        without = back(y)
        loss = ((self._logits(without) - 1) / 2).square().mean()
        loss = loss + self.cycle * (_apart(back(step.output), x) + _apart(step.generate(without), y))
        if self.identity:
            loss = loss + self.identity * (_apart(step.generate(y), y) + _apart(back(x), x))
        return loss

    def own_discriminator_loss(self, real: Tensor, source: Tensor, generated: Tensor) -> Mapping[str, Tensor]:
        """Least squares: logits of x are driven to 1, of F(y) to -1.

        Args:
            real: y (N, 3, S, S) in -1..1.
            source: x (N, 3, S, S).
            generated: T(x), which is not looked at.

        Returns:
            A scalar, under the name "back"; 0.5 at chance.
        """
        with torch.no_grad():
            without = self.generator(real)
        of_real, of_generated = self._logits(torch.cat([source, without.to(source.dtype)])).chunk(2)
        return {"back": ((of_real - 1) / 2).square().mean() + ((of_generated + 1) / 2).square().mean()}

    def _logits(self, images: Tensor) -> Tensor:
        seen: Any = self.discriminator(images)
        logits: Tensor = seen.logit.float()
        return logits


def _apart(one: Tensor, other: Tensor) -> Tensor:
    """The mean absolute difference of images."""
    return (one - other).float().abs().mean()
