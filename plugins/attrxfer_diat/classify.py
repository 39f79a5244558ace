"""The stage that trains ``face_features`` (it replaces VGG-Face) to tell the run's own people and attributes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from attrxfer.errors import Problem
from attrxfer.interfaces import RecipeView, Run
from attrxfer_diat.cached_stage import CachedStage
from attrxfer_diat.features import FaceFeatures
from attrxfer_diat.supervised import AtLeastTwo, Betas, LearningRate, Steps, without_owner

EMBEDDING = 256
"""Length of the vector from which the heads classify a face."""


class Heads(nn.Module):
    """Two classifiers on the last map of ``features``: images (N, 3, S, S) -> logits of people (N, P), of attributes (N, A).

    Args:
        features: The network under the heads.
        people: P, the number of people.
        attributes: A, the number of attributes.
    """

    def __init__(self, features: FaceFeatures, people: int, attributes: int) -> None:
        super().__init__()
        self.features = features
        channels = features.channels
        layers: list[nn.Module] = []
        for _ in range(2):
            layers += [
                nn.MaxPool2d(2),
                nn.Conv2d(channels, channels, 3, padding=1, bias=False),
                nn.BatchNorm2d(channels),  # without it, accuracy on people stays near chance (docs/paper.md)
                nn.ReLU(inplace=True),
            ]
        embedding = [nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(16 * channels, EMBEDDING), nn.BatchNorm1d(EMBEDDING)]
        self.hidden = nn.Sequential(*layers, *embedding)
        self.people = nn.Linear(EMBEDDING, people)
        self.attributes = nn.Linear(EMBEDDING, attributes)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.hidden(self.features(images)[-1])
        return self.people(hidden), self.attributes(hidden)


class ClassifyFaces(CachedStage):
    """Minimises the cross entropies of identity (where the data set has identities) and of all attributes, on the training
    split.

    Afterwards the two classifiers are discarded, and the five convolutions are not trained further.
    """

    def __init__(
        self, *, steps: Steps = 600, batch_size: AtLeastTwo = 32, lr: LearningRate = 1e-3, betas: Betas = (0.9, 0.999)
    ) -> None:
        super().__init__(steps=steps, batch_size=batch_size, lr=lr, betas=betas)

    def check_recipe(self, recipe: RecipeView) -> Iterator[Problem]:
        """No network that this stage trains."""
        yield from without_owner(self, recipe, "features face_features")

    def prepare(self, run: Run, owner: FaceFeatures) -> None:
        records = run.data.records
        names = sorted(records.attributes)
        self.labels = np.stack([records.attributes[name] for name in names], axis=1).astype(np.float32)
        train = run.data.rows("train", None)
        people = np.unique(records.identity[train]) if records.identity is not None else np.zeros(0, np.int64)
        self.person = np.searchsorted(people, records.identity) if records.identity is not None else None
        heads = Heads(owner, max(len(people), 1), len(names))
        self.attach(run, run.devices.place(heads))

    def step(self, index: int) -> Mapping[str, Tensor]:
        batch = self.run.batch("all", index, self.batch_size)
        with self.run.devices.autocast():
            people, attributes = self.network(batch.images)
        labels = self.run.devices.tensor(self.labels[batch.rows])
        terms = {"attributes": binary_cross_entropy_with_logits(attributes.float(), labels)}
        if self.person is not None:
            terms["people"] = cross_entropy(people.float(), self.run.devices.tensor(self.person[batch.rows]))
        self.run.devices.update(self.optimizer, torch.stack(list(terms.values())).sum())
        accuracy = ((attributes > 0) == (labels > 0.5)).float().mean()
        return {**{name: term.detach() for name, term in terms.items()}, "accuracy": accuracy}

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "heads": self.network.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.network.load_state_dict(state["heads"])
