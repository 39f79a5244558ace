"""The run as one stage sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor, nn

from attrxfer.data import CachedDataset, Sets, batch_rows, uniform
from attrxfer.interfaces import Adversarial, Batch, Change, Enhancer, Identity, Regularizer, SetName
from attrxfer.recipe.assembly import Assembly
from attrxfer.training.devices import AccelerateDevices
from attrxfer.training.step import Step

OTHER_BATCHES = 10_000_000
"""Number of the first batch of real images that T's updates see, beyond those that D's updates see."""


@dataclass(frozen=True)
class StageRun:
    """The implementation of ``interfaces.Run``.

    Attributes:
        stage: The stage's key, which seeds its batches.
        flip: Whether images are mirrored at random.
        sets: The sets of the task.
        guided: The attributes that results should have.
    """

    stage: str
    seed: int
    flip: bool
    data: CachedDataset
    sets: Sets
    generator: nn.Module
    discriminator: nn.Module
    adversarial: Adversarial
    identity: tuple[Identity, ...]
    regularizer: tuple[Regularizer, ...]
    enhancer: tuple[Enhancer, ...]
    devices: AccelerateDevices
    guided: Mapping[str, bool]

    def count(self, which: SetName) -> int:
        return len(self.sets.training(which))

    def batch(self, which: SetName, index: int, size: int) -> Batch:
        rows, flips = batch_rows(
            self.sets.training(which), self.seed, self.stage, which, index, size, self.devices.rank, self.devices.world
        )
        mirrored = flips & self.flip
        images = self.devices.images(self.data.images_u8(rows, mirrored))
        labels = self.devices.tensor(self.data.satisfies(self.guided)[rows].astype(np.float32))
        return Batch(images, labels, rows, mirrored)

    def transfer(self, source: Tensor, index: int, change: Change | None = None) -> Step:
        def draw(key: str, columns: int) -> Tensor:
            return self.uniform(key, index, len(source), columns)

        def real() -> Tensor:
            return self.batch("guided" if change is None else "all", OTHER_BATCHES + index, len(source)).images

        return Step(self.generator, self.discriminator, self.adversarial, source, draw, real, change)

    def uniform(self, key: str, index: int, size: int, columns: int) -> Tensor:
        numbers = uniform(self.seed, self.stage, key, index, size, columns, self.devices.rank, self.devices.world)
        return self.devices.tensor(numbers)


def components_of(assembly: Assembly) -> dict[str, Any]:
    """What a ``StageRun`` takes of an assembly that was built: its networks and losses."""
    one = {kind: assembly.one(kind) for kind in ("generator", "discriminator", "adversarial")}
    return one | {kind: assembly.many(kind) for kind in ("identity", "regularizer", "enhancer")}
