"""The judge: a network that learned the attributes from real pictures and never took part in training a transfer."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from safetensors.torch import load_file, save
from torch import nn

from attrxfer.data import batch_rows, cache_folder
from attrxfer.files import write_bytes
from attrxfer.interfaces import Evaluation
from attrxfer.transfer import to_images

BATCH = 128
VERSION = 1
log = logging.getLogger("attrxfer")


class Judge:
    """Share of results that a classifier sees as having the target attributes.

    The classifier is a timm network, trained from scratch on the labels of the training split, with flips; it is cached by a
    hash of the pictures, the labels and its settings. Its own accuracy on real test pictures stands beside its verdicts.

    network: a timm architecture. steps, batch, rate: its training (AdamW, one-cycle rate, ``rate`` at the top).
    """

    def __init__(
        self,
        *,
        network: str = "test_resnet",
        steps: Annotated[int, Field(ge=1)] = 500,
        batch: Annotated[int, Field(ge=2)] = 64,
        rate: Annotated[float, Field(gt=0)] = 3e-3,
    ) -> None:
        self.network = network
        self.steps = steps
        self.batch = batch
        self.rate = rate

    def __call__(self, evaluation: Evaluation) -> Mapping[str, float]:
        """ "judged as target" for results and inputs, and the judge's own accuracy, all in 0..1."""
        names = sorted(evaluation.target)
        classifier = self.classifier(evaluation.data, names, evaluation.seed)
        return {
            "judged as target": float(successes(classifier, evaluation.outputs, evaluation.target).mean()),
            "inputs judged as target": float(successes(classifier, evaluation.sources, evaluation.target).mean()),
            "accuracy of the judge": accuracy(classifier, evaluation.data, names),
        }

    def classifier(self, data: Any, names: list[str], seed: int) -> nn.Module:
        """The judging network for these attributes, in eval mode: out of the cache, or trained and kept there."""
        import timm  # takes seconds: only when judged

        classifier = timm.create_model(self.network, pretrained=False, num_classes=len(names))
        path = self._cache(data, names, seed)
        if path.is_file():
            classifier.load_state_dict(load_file(path))
        else:
            torch.manual_seed(seed)
            classifier = timm.create_model(self.network, pretrained=False, num_classes=len(names))
            self._train(classifier, data, names, seed)
            write_bytes(path, save(classifier.state_dict()))
        return classifier.eval()

    def _cache(self, data: Any, names: list[str], seed: int) -> Path:
        labels = hashlib.sha256()
        for name in names:
            labels.update(np.packbits(data.records.attributes[name] & data.usable).tobytes())
        key = [VERSION, data.key, labels.hexdigest(), names, seed, self.network, self.steps, self.batch, self.rate]
        return cache_folder() / "judges" / f"{hashlib.sha256(json.dumps(key).encode()).hexdigest()[:32]}.safetensors"

    def _train(self, classifier: nn.Module, data: Any, names: list[str], seed: int) -> None:
        log.info("training the judge (%s, %d steps)", self.network, self.steps)
        rows = data.rows("train", None)
        labels = np.stack([data.records.attributes[name] for name in names], axis=1).astype(np.float32)
        optimizer = torch.optim.AdamW(classifier.parameters(), lr=self.rate, weight_decay=0.05)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, self.rate, total_steps=self.steps)
        classifier.train()
        for step in range(self.steps):
            chosen, flips = batch_rows(rows, seed, "judge", "all", step, self.batch, 0, 1)
            logits = classifier(data.images(chosen, flips))
            loss = nn.functional.binary_cross_entropy_with_logits(logits, torch.from_numpy(labels[chosen]))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()


@torch.no_grad()
def verdicts(classifier: nn.Module, pictures: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which attributes the classifier sees in pictures (N, S, S, 3): (N, attributes)."""
    parts = [classifier(to_images(pictures[i : i + BATCH])) > 0 for i in range(0, len(pictures), BATCH)]
    return torch.cat(parts).numpy()


def successes(classifier: nn.Module, pictures: NDArray[np.uint8], target: Mapping[str, bool]) -> NDArray[np.bool_]:
    """Which pictures (N,) the classifier of these attributes (by name, sorted) sees as having all of ``target``."""
    wanted = np.array([target[name] for name in sorted(target)])
    return np.asarray((verdicts(classifier, pictures) == wanted).all(1))


def accuracy(classifier: nn.Module, data: Any, names: list[str]) -> float:
    """The share of real test pictures of which the classifier has every attribute right."""
    rows = data.rows("test", None)
    labels = np.stack([data.records.attributes[name][rows] for name in names], axis=1)
    return float((verdicts(classifier, data.pictures(rows)) == labels).all(1).mean())
