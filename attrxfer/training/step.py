"""One update of the generator; each network runs once, when its result is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import cached_property
from typing import Any, TypeVar

import torch
from torch import Tensor

from attrxfer.interfaces import Adversarial, Discrimination, Features, HasParts

T = TypeVar("T")


class Step:
    """The implementation of ``interfaces.TransferStep``.

    D sees x and T(x) under the same random augmentation, so that the adversarial term and the losses on D's features share
    one pass over each. Gradients are computed in the pass over T(x) only.
    """

    def __init__(
        self,
        generator: Any,
        discriminator: Any,
        adversarial: Adversarial,
        source: Tensor,
        uniform: Callable[[str, int], Tensor],
    ) -> None:
        self._generator = generator
        self._discriminator = discriminator
        self._adversarial = adversarial
        self.uniform = uniform
        self.source = source
        self._made: dict[Hashable, Any] = {}

    @cached_property
    def parts(self) -> Mapping[str, Tensor]:
        generator = self._generator
        return generator.parts(self.source) if isinstance(generator, HasParts) else {"output": generator(self.source)}

    @property
    def output(self) -> Tensor:
        return self.parts["output"]

    def discriminate(self, images: Tensor) -> Discrimination:
        """D of ``source`` or ``output``. Raises ValueError for other images."""
        draw = self.once("augment", lambda: self.uniform("augment", 8))
        return self._of(self._discriminator, images, lambda: self._discriminator(self._adversarial.augment(images, draw)))

    def features(self, network: Features, images: Tensor) -> tuple[Tensor, ...]:
        """The maps of ``source`` or ``output``. Raises ValueError for other images."""
        return self._of(network, images, lambda: network(images))

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        if key not in self._made:
            self._made[key] = make()
        made: T = self._made[key]
        return made

    def _of(self, network: Any, images: Tensor, look: Callable[[], T]) -> T:
        if images is not self.source and images is not self.output:
            raise ValueError("a step looks at its own source and output only")
        generated = images is not self.source
        with torch.set_grad_enabled(generated and torch.is_grad_enabled()):
            return self.once((id(network), generated), look)
