"""The smallest data set, networks and run that a component can be tried on."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from attrxfer.data import Data, batch_rows, make_sets, open_data, uniform
from attrxfer.engine.step import Step
from attrxfer.interfaces import Adversarial, Batch, Broken, Discrimination, Identity, Records, Regularizer, SetName, Slot

SIZE, COUNT, BATCH = 32, 24, 4


class Squares:
    """Pictures of a square on a plain ground, which is bright in half of them; three pictures show one subject. Landmarks
    are the corners of the square and its middle, as 5 points: two above, the middle, two below."""

    framing = None

    def __init__(self, *, size: int = SIZE) -> None:
        self.size = size

    def records(self) -> Records:
        rows = np.arange(COUNT)
        split = np.where(rows < 16, 0, np.where(rows < 20, 1, 2)).astype(np.uint8)
        points = np.array([[0.3, 0.3], [0.7, 0.3], [0.5, 0.5], [0.35, 0.7], [0.65, 0.7]], np.float32) * self.size
        names = tuple(f"square-{row:02d}" for row in rows)
        bright, round_ = rows % 2 == 0, rows % 4 < 2
        return Records(names, {"bright": bright, "round": round_}, split, rows // 3, np.tile(points, (COUNT, 1, 1)))

    def read(self, rows: Sequence[int]) -> list[NDArray[np.uint8] | Broken]:
        found: list[NDArray[np.uint8] | Broken] = []
        quarter = self.size // 4
        for row in rows:
            picture = np.random.default_rng(row).integers(60, 100, (self.size, self.size, 3)).astype(np.uint8)
            picture[quarter:-quarter, quarter:-quarter] += np.uint8(100 if row % 2 == 0 else 20)
            found.append(picture)
        return found

    def fingerprint(self) -> str:
        return f"squares {self.size}"


class Generator(nn.Module):
    """x + m (r - x) from one convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, 4, 3, padding=1)

    def parts(self, images: Tensor) -> dict[str, Tensor]:
        head = self.head(images).to(images.dtype)
        mask = torch.sigmoid(head[:, 3:])
        return {"output": torch.lerp(images, torch.tanh(head[:, :3]), mask), "mask": mask}

    def forward(self, images: Tensor) -> Tensor:
        return self.parts(images)["output"]


class Discriminator(nn.Module):
    """Six small convolutions, each read as features."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(3 if not i else 4, 4, 3, stride=1 + i % 2, padding=1) for i in range(6))
        self.head = nn.Linear(4, 1)

    def forward(self, images: Tensor) -> Discrimination:
        maps, features = images, []
        for layer in self.layers:
            maps = nn.functional.leaky_relu(layer(maps), 0.2)
            features.append(maps)
        return Discrimination(self.head(maps.mean((2, 3))).squeeze(1), tuple(features))


class Gan:
    """The plainest adversarial term."""

    stages: ClassVar[tuple[tuple[Slot, str], ...]] = ()

    def augment(self, images: Tensor, uniform: Tensor) -> Tensor:
        return images

    def generator_loss(self, generated: Tensor) -> Tensor:
        return nn.functional.softplus(-generated).mean()

    def discriminator_loss(self, discriminator: Any, guided: Tensor, generated: Tensor, update: int) -> dict[str, Tensor]:
        logit = discriminator(torch.cat([guided, generated])).logit
        sign = torch.cat([-torch.ones(len(guided)), torch.ones(len(generated))])
        return {"d": nn.functional.softplus(sign * logit).mean()}


class Devices:
    """The processor, one process, full precision."""

    device = torch.device("cpu")
    rank, world, precision = 0, 1, "no"

    def place(self, network: Any) -> Any:
        return network

    def autocast(self) -> AbstractContextManager[None]:
        return nullcontext()

    def optimizer(self, network: Any, rate: float, betas: tuple[float, float]) -> Any:
        return torch.optim.Adam(network.parameters(), lr=rate, betas=betas)

    def update(self, optimizer: Any, loss: Tensor) -> None:
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


@dataclass(frozen=True)
class Run:
    """A run as a stage sees it, on ``Squares`` or another opened data set."""

    data: Data
    generator: Any
    discriminator: Any
    adversarial: Adversarial
    identity: tuple[Identity, ...] = ()
    regularizer: tuple[Regularizer, ...] = ()
    enhancer: tuple[Any, ...] = ()
    devices: Any = field(default_factory=Devices)
    seed: int = 0

    def batch(self, which: SetName, index: int, size: int) -> Batch:
        name = next(iter(self.data.records.attributes))
        sets = make_sets(self.data, {name: True}, None, 0, self.seed)
        rows, flips = batch_rows(getattr(sets, which), self.seed, "contract", which, index, size, 0, 1)
        labels = torch.from_numpy(self.data.records.attributes[name][rows].astype(np.float32))
        return Batch(self.data.images(rows, flips), labels, rows, flips)

    def transfer(self, source: Tensor, index: int) -> Step:
        draw = self.uniform("augment", index, len(source), 8)
        return Step(self.generator, self.discriminator, self.adversarial, source, draw)

    def uniform(self, key: str, index: int, size: int, columns: int) -> Tensor:
        return torch.from_numpy(uniform(self.seed, "contract", key, index, size, columns, 0, 1))


def squares() -> Data:
    """The opened data set."""
    return open_data(Squares(), selection=None, size=SIZE)


def pictures(count: int = 2, size: int = SIZE, seed: int = 0) -> Tensor:
    """Smooth random pictures (count, 3, size, size) in -1..1."""
    coarse = torch.rand(count, 3, 8, 8, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    return nn.functional.interpolate(coarse, size=(size, size), mode="bilinear").clamp(-1, 1)


def a_run(data: Data) -> Run:
    """Fresh networks, equal at every call, on these data."""
    torch.manual_seed(0)
    return Run(data, Generator(), Discriminator(), Gan())
