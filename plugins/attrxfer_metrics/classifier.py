"""The judge's network: it learned the attributes from real images and never took part in training a transfer."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from safetensors.torch import load_file, save
from torch import nn

from attrxfer.data import batch_rows
from attrxfer.storage.cache import cache_folder
from attrxfer.storage.conversion import to_tensor
from attrxfer.storage.files import write_bytes

BATCH = 128
VERSION = 3
DEFAULT = "test_resnet"
log = logging.getLogger("attrxfer")


@dataclass(frozen=True)
class Classifier:
    """A timm network in eval mode that tells the attributes ``names``. Images are uint8 (N, S, S, 3)."""

    network: Any
    names: tuple[str, ...]

    @torch.no_grad()
    def verdicts(self, images: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Which attributes it sees: (N, attributes)."""
        parts = [self.network(to_tensor(images[i : i + BATCH])) > 0 for i in range(0, len(images), BATCH)]
        return torch.cat(parts).numpy()

    @torch.no_grad()
    def features(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What its last layer reads: (N, channels)."""
        parts = [
            self.network.forward_head(self.network.forward_features(to_tensor(images[i : i + BATCH])), pre_logits=True)
            for i in range(0, len(images), BATCH)
        ]
        return torch.cat(parts).numpy()

    def successes(self, images: NDArray[np.uint8], target: Mapping[str, bool]) -> NDArray[np.bool_]:
        """Which images (N,) it sees as having all of ``target``."""
        columns = [self.names.index(name) for name in target]
        return np.asarray((self.verdicts(images)[:, columns] == list(target.values())).all(1))

    def accuracy(self, data: Any, names: Collection[str]) -> float:
        """The share of real test images of which it has every one of these attributes right."""
        rows = data.rows("test", None)
        labels = np.stack([data.records.attributes[name][rows] for name in names], axis=1)
        columns = [self.names.index(name) for name in names]
        return float((self.verdicts(data.images_u8(rows))[:, columns] == labels).all(1).mean())


class Judged:
    """What metrics that look through the judge share: one classifier of all of a data set's attributes.

    It is a timm network, trained from scratch on the labels of the training split, with flips, and cached by a hash of the
    images, the labels and its settings: every task and run on a data set and its selection has the same judge.

    network: a timm architecture. steps, batch, rate: its training (AdamW, one-cycle rate, ``rate`` at the top).
    """

    SEED: ClassVar[int] = 0

    def __init__(
        self,
        *,
        network: str = DEFAULT,
        steps: Annotated[int, Field(ge=1)] = 500,
        batch_size: Annotated[int, Field(ge=2)] = 64,
        lr: Annotated[float, Field(gt=0)] = 3e-3,
    ) -> None:
        self.network = network
        self.steps = steps
        self.batch_size = batch_size
        self.lr = lr

    @classmethod
    def missing(cls, **parameters: Any) -> Sequence[str]:
        """timm's name for the network, where it knows none such."""
        name = parameters.get("network", DEFAULT)
        if name == DEFAULT:
            return []
        import timm  # takes seconds

        return [] if timm.is_model(name) else [f'a network that timm knows: "{name}" is none (see timm.list_models())']

    def classifier(self, data: Any) -> Classifier:
        """The judge of this data set: out of the cache, or trained and kept there."""
        import timm  # takes seconds: only when judged

        names = tuple(sorted(data.records.attributes))
        labels = np.stack([data.records.attributes[name] for name in names], axis=1)
        path = self._cache(data, names, labels)
        torch.manual_seed(self.SEED)
        network = timm.create_model(self.network, pretrained=False, num_classes=len(names))
        if path.is_file():
            network.load_state_dict(load_file(path))
        else:
            self._train(network, data, labels.astype(np.float32))
            write_bytes(path, save(network.state_dict()))
        return Classifier(network.eval(), names)

    def _cache(self, data: Any, names: tuple[str, ...], labels: NDArray[np.bool_]) -> Path:
        seen = hashlib.sha256(b"".join(array.tobytes() for array in (labels, data.usable, data.records.split))).hexdigest()
        key = [VERSION, data.key, seen, names, self.SEED, self.network, self.steps, self.batch_size, self.lr]
        return cache_folder() / "judges" / f"{hashlib.sha256(json.dumps(key).encode()).hexdigest()[:32]}.safetensors"

    def _train(self, network: nn.Module, data: Any, labels: NDArray[np.float32]) -> None:
        log.info("training the judge (%s, %d steps)", self.network, self.steps)
        rows = data.rows("train", None)
        optimizer = torch.optim.AdamW(network.parameters(), lr=self.lr, weight_decay=0.05)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, self.lr, total_steps=self.steps)
        network.train()
        for step in range(self.steps):
            chosen, flips = batch_rows(rows, self.SEED, "judge", "all", step, self.batch_size, 0, 1)
            logits = network(data.images(chosen, flips))
            loss = nn.functional.binary_cross_entropy_with_logits(logits, torch.from_numpy(labels[chosen]))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
