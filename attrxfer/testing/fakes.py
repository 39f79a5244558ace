"""A minimal data set, networks and run to test components with."""

from __future__ import annotations

import functools
import math
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from attrxfer.data import CachedDataset, batch_rows, make_sets, open_data, uniform
from attrxfer.interfaces import (
    SPLITS,
    Adversarial,
    Batch,
    Broken,
    Change,
    Discrimination,
    DiscriminatorTerms,
    Identity,
    Records,
    Regularizer,
    SetName,
    Slot,
)
from attrxfer.storage.files import write_text
from attrxfer.training.step import Step

SIZE, COUNT, BATCH = 32, 24, 4
POINTS = np.array([[0.35, 0.4], [0.65, 0.4], [0.5, 0.53], [0.4, 0.67], [0.6, 0.67]], np.float32)
"""Positions of eyes, nose and corners of the mouth, as shares of the side."""


class TinyData:
    """24 drawn heads on a plain background, with two eyes, a nose and the corners of a mouth.

    Every second one is bright, the others are dark; two of four are round, the others square. Three images show one subject.
    Landmarks are five points: left eye, right eye, nose, left and right corner of the mouth.

    Args:
        size: Side of the images in pixels.
    """

    framing = None

    def __init__(self, *, size: int = SIZE) -> None:
        self.size = size

    def records(self) -> Records:
        rows = np.arange(COUNT)
        split = np.where(rows < 16, 0, np.where(rows < 20, 1, 2)).astype(np.uint8)
        names = tuple(f"image-{row:02d}.png" for row in rows)
        return Records(
            names,
            {"bright": rows % 2 == 0, "round": rows % 4 < 2},
            split,
            rows // 3,
            np.tile(POINTS * self.size, (COUNT, 1, 1)),
        )

    def read(self, rows: Sequence[int]) -> list[NDArray[np.uint8] | Broken]:
        return [self._draw(row) for row in rows]

    def _draw(self, row: int) -> NDArray[np.uint8]:
        image = np.random.default_rng(row).integers(60, 100, (self.size, self.size, 3)).astype(np.uint8)
        y, x = (np.mgrid[: self.size, : self.size] + 0.5) / self.size - 0.5
        head = np.hypot(x, y) < 0.35 if row % 4 < 2 else np.maximum(np.abs(x), np.abs(y)) < 0.3
        image[head] += np.uint8(100 if row % 2 == 0 else 20)
        for across, down in POINTS - 0.5:
            image[np.hypot(x - across, y - down) < 0.05] = 20
        return image

    def fingerprint(self) -> str:
        return f"tiny data {self.size}"


ATTRIBUTES = ("bright", "round")
"""Those of ``TinyData``."""


class Generator(nn.Module):
    """A generator: x + m (r - x), with r and m from one convolution. It can change the attributes of ``TinyData``."""

    attributes = ATTRIBUTES

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, 4, 3, padding=1)
        self.told = nn.Linear(len(ATTRIBUTES), 4)

    def parts(self, images: Tensor, change: Tensor | None = None) -> dict[str, Tensor]:
        change = images.new_ones(1, len(ATTRIBUTES)) if change is None else change
        head = self.head(images).to(images.dtype) + self.told(change)[:, :, None, None]
        mask = torch.sigmoid(head[:, 3:])
        return {"output": torch.lerp(images, torch.tanh(head[:, :3]), mask), "mask": mask}

    def forward(self, images: Tensor, change: Tensor | None = None) -> Tensor:
        return self.parts(images, change)["output"]


class Discriminator(nn.Module):
    """A discriminator of six small convolutions, whose maps are the features. It says which of ``ATTRIBUTES`` it sees."""

    attributes, classification, conditional = ATTRIBUTES, 1.0, False

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(3 if not i else 4, 4, 3, stride=1 + i % 2, padding=1) for i in range(6))
        self.head = nn.Linear(4, 1 + len(ATTRIBUTES))

    def forward(self, images: Tensor) -> Discrimination:
        maps, features = images, []
        for layer in self.layers:
            maps = nn.functional.leaky_relu(layer(maps), 0.2)
            features.append(maps)
        logits = self.head(maps.mean((2, 3)))
        return Discrimination(logits[:, 0], tuple(features), logits[:, 1:])


class Gan:
    """The non-saturating adversarial loss, without augmentation."""

    stages: ClassVar[tuple[tuple[Slot, str], ...]] = ()
    discriminator_terms: ClassVar[DiscriminatorTerms] = DiscriminatorTerms(("d",), 2 * math.log(2), {})

    def augment(self, images: Tensor, uniform: Tensor) -> Tensor:
        return images

    def generator_loss(self, generated: Tensor) -> Tensor:
        return nn.functional.softplus(-generated).mean()

    def discriminator_loss(self, discriminator: Any, guided: Tensor, generated: Tensor, update: int) -> dict[str, Tensor]:
        logit = discriminator(torch.cat([guided, generated])).logit
        real, fake = logit[: len(guided)], logit[len(guided) :]
        return {"d": nn.functional.softplus(torch.cat([-real, fake])).mean()}


class Devices:
    """The CPU, one process, float32."""

    device = torch.device("cpu")
    rank, world, precision, optimizer_name = 0, 1, "no", "adam"

    def place(self, network: Any) -> Any:
        return network

    def tensor(self, array: NDArray[Any]) -> Tensor:
        return torch.from_numpy(array).to(self.device)

    def autocast(self) -> AbstractContextManager[None]:
        return nullcontext()

    def optimizer(self, network: Any, lr: float, betas: tuple[float, float], weight_decay: float = 0.0) -> Any:
        return torch.optim.AdamW(network.parameters(), lr=lr, betas=betas, weight_decay=weight_decay)

    def update(self, optimizer: Any, loss: Tensor) -> None:
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    def gather(self, tensor: Tensor) -> Tensor:
        return tensor


@dataclass(frozen=True)
class Run:
    """A run as a stage sees it, on ``TinyData`` or another opened data set."""

    data: CachedDataset
    generator: Any
    discriminator: Any
    adversarial: Adversarial
    identity: tuple[Identity, ...] = ()
    regularizer: tuple[Regularizer, ...] = ()
    enhancer: tuple[Any, ...] = ()
    devices: Any = field(default_factory=Devices)
    seed: int = 0

    def _rows(self, which: SetName) -> NDArray[np.int64]:
        name = next(iter(self.data.records.attributes))
        return make_sets(self.data, {name: True}, None, 0, self.seed).training(which)

    def count(self, which: SetName) -> int:
        return len(self._rows(which))

    def batch(self, which: SetName, index: int, size: int) -> Batch:
        name = next(iter(self.data.records.attributes))
        rows, flips = batch_rows(self._rows(which), self.seed, "contract", which, index, size, 0, 1)
        labels = self.devices.tensor(self.data.records.attributes[name][rows].astype(np.float32))
        return Batch(self.data.images(rows, flips).to(self.devices.device), labels, rows, flips)

    def transfer(self, source: Tensor, index: int, change: Change | None = None) -> Step:
        def draw(key: str, columns: int) -> Tensor:
            return self.uniform(key, index, len(source), columns)

        def real() -> Tensor:
            return self.batch("guided" if change is None else "all", index, len(source)).images

        return Step(self.generator, self.discriminator, self.adversarial, source, draw, real, change)

    def uniform(self, key: str, index: int, size: int, columns: int) -> Tensor:
        numbers: Tensor = self.devices.tensor(uniform(self.seed, "contract", key, index, size, columns, 0, 1))
        return numbers


@functools.cache
def _cache() -> tempfile.TemporaryDirectory[str]:
    """A cache that is deleted when the process ends, so that the user's cache is not changed."""
    return tempfile.TemporaryDirectory(prefix="attrxfer-testing-")


def tiny_data() -> CachedDataset:
    """The opened data set ``TinyData``: 24 images of 32 pixels with the attributes "bright" and "round"."""
    return open_data(TinyData(), selection=None, size=SIZE, folder=Path(_cache().name))


def write_tiny_data(folder: Path) -> Path:
    """Write the images as files with a CSV table, for ``--data FOLDER``; returns the folder."""
    data = TinyData()
    records = data.records()
    assert records.identity is not None
    rows = [("file", *records.attributes, "split", "identity")]
    for row, (name, image) in enumerate(zip(records.names, data.read(range(COUNT)), strict=True)):
        Image.fromarray(np.asarray(image)).save(folder / name)
        labels = (str(int(values[row])) for values in records.attributes.values())
        rows.append((name, *labels, SPLITS[records.split[row]], str(records.identity[row])))
    write_text(folder / "images.csv", "".join(",".join(row) + "\n" for row in rows))
    return folder


def random_images(count: int = 2, size: int = SIZE, seed: int = 0) -> Tensor:
    """Smooth random images (count, 3, size, size) in -1..1."""
    coarse = torch.rand(count, 3, 8, 8, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    return nn.functional.interpolate(coarse, size=(size, size), mode="bilinear").clamp(-1, 1)


def a_run(data: CachedDataset) -> Run:
    """A run on these data with untrained networks, which are equal at every call."""
    torch.manual_seed(0)
    return Run(data, Generator(), Discriminator(), Gan())
