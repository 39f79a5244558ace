"""The stage that trains the recognition network."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, linear, normalize, one_hot

from attrxfer.errors import Problem
from attrxfer.interfaces import RecipeView, Run
from attrxfer_diat.cached_stage import CachedStage
from attrxfer_diat.recognition.description import Description
from attrxfer_diat.recognition.network import RecognitionNetwork
from attrxfer_diat.recognition.views import COLUMNS, random_view
from attrxfer_diat.supervised import AtLeastTwo, Betas, LearningRate, Steps, without_owner

log = logging.getLogger("attrxfer")
WEIGHT_DECAY = 0.01
"""Without it the network memorises the photos of its training people."""


class Learner(nn.Module):
    """The network, and one direction (P, E) for each person, which is discarded after training.

    Args:
        network: The recognition network.
        people: P, the number of people.
    """

    def __init__(self, network: RecognitionNetwork, people: int) -> None:
        super().__init__()
        self.network = network
        self.people = nn.Parameter(torch.randn(people, network.embedding))

    def forward(self, images: Tensor) -> tuple[Description, Tensor]:
        """The description of images (N, 3, S, S), and the cosine (N, P) of each with each person."""
        description = self.network.describe(images)
        return description, linear(description.embedding, normalize(self.people))


class TrainRecognition(CachedStage):
    """People by a softmax with a margin (CosFace: Wang et al., CVPR 2018, eq. 4), attributes by cross-entropy.

    It learns from random views of the training split with AdamW; the learning rate falls to 0 as a cosine. Where the data set
    does not say who is in its images, each image counts as a person of its own.

    Args:
        scale: The logits of people are scale * (cosine - margin for the right person).
        margin: See ``scale``.
        attribute_weight: Weight of the attributes' cross-entropy; that of people has weight 1.
    """

    def __init__(
        self,
        *,
        steps: Steps = 2600,
        batch_size: AtLeastTwo = 64,
        lr: LearningRate = 1e-3,
        betas: Betas = (0.9, 0.999),
        scale: Annotated[float, Field(gt=0)] = 20.0,
        margin: Annotated[float, Field(ge=0, lt=1)] = 0.2,
        attribute_weight: Annotated[float, Field(ge=0)] = 2.0,
    ) -> None:
        super().__init__(steps=steps, batch_size=batch_size, lr=lr, betas=betas, weight_decay=WEIGHT_DECAY)
        self.scale = scale
        self.margin = margin
        self.attribute_weight = attribute_weight

    def check_recipe(self, recipe: RecipeView) -> Iterator[Problem]:
        """No network that this stage trains."""
        yield from without_owner(self, recipe, "features recognition")

    def prepare(self, run: Run, owner: RecognitionNetwork) -> None:
        records = run.data.records
        self.owner = owner
        self.labels = np.stack([records.attributes[name] for name in owner.attributes], axis=1).astype(np.float32)
        identity = records.identity
        if identity is None and owner.embedding:
            log.warning("recognition: the data set does not say who is in its images; each image counts as a person of its own")
        if identity is None:
            identity = np.arange(len(self.labels))
        people, number = np.unique(identity[run.data.rows("train", None)], return_inverse=True)
        self.person = np.full(len(self.labels), -1)
        self.person[run.data.rows("train", None)] = number
        self.total = self.steps
        self.attach(run, run.devices.place(Learner(owner, len(people))))

    def step(self, index: int) -> Mapping[str, Tensor]:
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr * (1 + math.cos(math.pi * index / self.total)) / 2
        run, size = self.run, self.batch_size
        batch = run.batch("all", index, size)
        uniform = run.uniform("view", index, size, COLUMNS)
        noise = run.uniform("view noise", index, size, batch.images[0].numel())
        views = random_view(batch.images, uniform, noise, self.owner.blur)
        wanted = run.devices.tensor(self.labels[batch.rows])
        person = run.devices.tensor(self.person[batch.rows])
        if self.owner.perturbation:
            views = self._perturbed(views, person, wanted)
        terms, shares = self._terms(views, person, wanted)
        run.devices.update(self.optimizer, torch.stack(list(terms.values())).sum())
        return {name: value.detach() for name, value in (terms | shares).items()}

    def _perturbed(self, views: Tensor, person: Tensor, wanted: Tensor) -> Tensor:
        """Views (N, 3, S, S) moved along the gradient of their own loss, by ``perturbation`` in root mean square."""
        views = views.detach().requires_grad_(True)
        terms, _ = self._terms(views, person, wanted)
        (gradient,) = torch.autograd.grad(torch.stack(list(terms.values())).sum(), views)
        length = gradient.square().mean((1, 2, 3), keepdim=True).sqrt().clamp_min(torch.finfo(gradient.dtype).tiny)
        return (views + self.owner.perturbation * gradient / length).detach()

    def _terms(self, views: Tensor, person: Tensor, wanted: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """The losses of views (N, 3, S, S), and the shares of attributes and people that are right."""
        with self.run.devices.autocast():
            (_, logits), cosine = self.network(views)
        terms = {"attributes": self.attribute_weight * binary_cross_entropy_with_logits(logits, wanted)}
        shares = {"accuracy": ((logits > 0) == (wanted > 0.5)).float().mean()}
        if self.owner.embedding:
            cosine = cosine.float()
            margin = self.margin * one_hot(person, cosine.shape[1])
            terms["people"] = cross_entropy(self.scale * (cosine - margin), person)
            shares["people right"] = (cosine.argmax(1) == person).float().mean()
        return terms, shares

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "learner": self.network.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.network.load_state_dict(state["learner"])
