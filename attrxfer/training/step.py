"""One update of the generator; each network runs once, when its result is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import cached_property
from typing import Any, TypeVar

import torch
from torch import Tensor

from attrxfer.errors import AttrxferError
from attrxfer.interfaces import Adversarial, Change, ComparesReal, Conditional, Discrimination, Features, HasParts
from attrxfer.model.condition import Fixed

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
        draw_real: Callable[[], Tensor] | None = None,
        change: Change | None = None,
    ) -> None:
        self._generator = generator
        self._discriminator = discriminator
        self._adversarial = adversarial
        self.uniform = uniform
        self.source = source
        self._draw_real = draw_real
        self.change = _all_true(source, generator) if change is None and isinstance(generator, Conditional) else change
        self._made: dict[Hashable, Any] = {}

    @cached_property
    def parts(self) -> Mapping[str, Tensor]:
        generator = self._generator if self.change is None else Fixed(self._generator, self.change.asked)
        return generator.parts(self.source) if isinstance(generator, HasParts) else {"output": generator(self.source)}

    @property
    def output(self) -> Tensor:
        return self.parts["output"]

    @cached_property
    def real(self) -> Tensor:
        if self._draw_real is None:
            raise AttrxferError("this step has no real images")
        return self._draw_real()

    def generate(self, images: Tensor, change: Tensor | None = None) -> Tensor:
        if self.change is None:
            made: Tensor = self._generator(images)
            return made
        made = self._generator(images, self.change.asked if change is None else change)
        return made

    @property
    def attribute_loss(self) -> Tensor:
        generated = self.discriminate(self.output).logit
        adversarial = self._adversarial
        if isinstance(adversarial, ComparesReal) and adversarial.compares_real:
            return adversarial.compared_loss(generated, self.discriminate(self.real).logit)
        return adversarial.generator_loss(generated)

    def discriminate(self, images: Tensor) -> Discrimination:
        """D of ``source``, ``real`` or ``output``. Raises ValueError for other images."""
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
        real = "real" in vars(self) and images is self.real
        if images is not self.source and not real and images is not self.output:
            raise ValueError("a step looks at its own source, output and real images only")
        generated = images is not self.source and not real
        with torch.set_grad_enabled(generated and torch.is_grad_enabled()):
            return self.once((id(network), generated, real), look)


def _all_true(source: Tensor, generator: Conditional) -> Change:
    asked = source.new_ones(len(source), len(generator.attributes))
    return Change(asked, -asked)
