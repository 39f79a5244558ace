"""One update of the generator: each network's result computed once, when first asked for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from attrxfer.interfaces import Adversarial, Discrimination


class Step:
    """The TransferStep of the engine.

    D sees x and T(x) under one draw of the adversarial term's augmentation, so that the adversarial term and the losses on
    D's features share a single pass over each: D's pass over T(x) is made with graph, the one over x without.
    """

    def __init__(self, generator: Any, discriminator: Any, adversarial: Adversarial, source: Tensor, uniform: Tensor) -> None:
        self._generator = generator
        self._discriminator = discriminator
        self._adversarial = adversarial
        self._uniform = uniform
        self.source = source
        self._seen: dict[str, Discrimination] = {}

    @cached_property
    def parts(self) -> Mapping[str, Tensor]:
        make = getattr(self._generator, "parts", None)
        return make(self.source) if make else {"output": self._generator(self.source)}

    @property
    def output(self) -> Tensor:
        return self.parts["output"]

    def discriminate(self, images: Tensor) -> Discrimination:
        """D of ``source`` or ``output``; raises ValueError for any other picture, which the step could not remember."""
        if images is self.source:
            return self._discriminated("source", images, grad=False)
        if images is self.output:
            return self._discriminated("output", images, grad=True)
        raise ValueError("a step discriminates its own source and output only")

    def _discriminated(self, name: str, images: Tensor, *, grad: bool) -> Discrimination:
        if name not in self._seen:
            with torch.set_grad_enabled(grad and torch.is_grad_enabled()):
                self._seen[name] = self._discriminator(self._adversarial.augment(images, self._uniform))
        return self._seen[name]
