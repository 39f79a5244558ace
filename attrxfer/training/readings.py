"""The scalars of steps: kept on the device, and read for many steps at once, since reading waits for a GPU."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from attrxfer.training.devices import AccelerateDevices

TOGETHER = 20
"""Steps that are read at once on a GPU. A processor has nothing to wait for: there each step is read when it ends."""


class Reading(NamedTuple):
    """The scalars of a step, averaged over the processes, and the seconds that it took. Of steps that are read together, only
    the sum of the seconds is known; each gets an equal part."""

    step: int
    values: dict[str, float]
    seconds: float


class Readings:
    """Keeps the scalars of steps until they are read.

    Args:
        devices: Where the scalars are.
    """

    def __init__(self, devices: AccelerateDevices) -> None:
        self.devices = devices
        self.together = 1 if devices.device.type == "cpu" else TOGETHER
        self._kept: list[tuple[int, Mapping[str, Tensor]]] = []
        self._seconds = 0.0

    def keep(self, step: int, terms: Mapping[str, Tensor], seconds: float) -> None:
        """Keep the scalars of a step, which took so many seconds before the device had done its work."""
        self._kept.append((step, {name: term.detach() for name, term in terms.items()}))
        self._seconds += seconds

    @property
    def due(self) -> bool:
        """Whether there are as many as are read at once."""
        return len(self._kept) >= self.together

    def read(self) -> list[Reading]:
        """The steps that were kept, which are forgotten; all processes must call this after the same step."""
        if not self._kept:
            return []
        began = time.monotonic()
        kept, self._kept = self._kept, []
        numbers = torch.stack([term.float().to(self.devices.device) for _, terms in kept for term in terms.values()])
        if self.devices.world > 1:
            numbers = self.devices.gather(numbers[None]).mean(0)
        values = iter(numbers.tolist())
        each = (self._seconds + time.monotonic() - began) / len(kept)
        self._seconds = 0.0
        return [Reading(step, {name: next(values) for name in terms}, each) for step, terms in kept]
