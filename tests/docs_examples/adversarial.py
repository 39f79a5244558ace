from collections.abc import Callable, Mapping
from typing import ClassVar

import torch
from torch import Tensor

from attrxfer.interfaces import Discrimination, Slot


class LeastSquares:
    """D's logit shall be 1 for guided and 0 for generated images; T wants 1. No augmentation."""

    stages: ClassVar[tuple[tuple[Slot, str], ...]] = (("adversarial", "adversarial"),)

    def augment(self, images: Tensor, uniform: Tensor) -> Tensor:
        return images

    def generator_loss(self, generated: Tensor) -> Tensor:
        return (generated - 1).square().mean()

    def discriminator_loss(
        self, discriminator: Callable[[Tensor], Discrimination], guided: Tensor, generated: Tensor, update: int
    ) -> Mapping[str, Tensor]:
        real, fake = discriminator(torch.cat([guided, generated])).logit.split([len(guided), len(generated)])
        return {"guided": (real - 1).square().mean(), "generated": fake.square().mean()}
