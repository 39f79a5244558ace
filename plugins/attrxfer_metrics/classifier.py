"""The attribute classifier: trained on the labels of real images, and not used in training a transfer."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from safetensors.torch import load_file, save
from torch import nn

from attrxfer.data import batch_rows
from attrxfer.errors import Problem, one_line
from attrxfer.interfaces import DatasetView, RecipeView
from attrxfer.storage.cache import cached
from attrxfer.storage.conversion import to_tensor

BATCH = 128
VERSION = 4
DEFAULT = "test_resnet"
HEAVIEST = 20.0
"""Greatest weight of a label, reached where one image in 40 has it. More would let a few images dominate the gradient."""
STREAM = "judge"
"""Name of the random stream that batches are drawn from. Another name would give other weights."""
log = logging.getLogger("attrxfer")


@dataclass(frozen=True)
class AttributeClassifier:
    """A trained network that predicts attributes. Images are uint8 (N, S, S, 3).

    Attributes:
        network: A timm network in eval mode with one logit for each attribute.
        names: The attributes, in the order of the logits.
    """

    network: Any
    names: tuple[str, ...]

    @torch.no_grad()
    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Predicted attributes (N, attributes) of images."""
        parts = [self.network(to_tensor(images[i : i + BATCH])) > 0 for i in range(0, len(images), BATCH)]
        return torch.cat(parts).numpy()

    @torch.no_grad()
    def features(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The inputs (N, channels) of the network's last layer."""
        parts = [
            self.network.forward_head(self.network.forward_features(to_tensor(images[i : i + BATCH])), pre_logits=True)
            for i in range(0, len(images), BATCH)
        ]
        return torch.cat(parts).numpy()

    def has(self, images: NDArray[np.uint8], target: Mapping[str, bool]) -> NDArray[np.bool_]:
        """Which images (N,) are predicted to have all of ``target``."""
        columns = [self.names.index(name) for name in target]
        return np.asarray((self.predict(images)[:, columns] == list(target.values())).all(1))

    def accuracy(self, data: DatasetView, names: Collection[str]) -> float:
        """Share of real test images of which all the named attributes are predicted as labelled."""
        rows = data.rows("test", None)
        labels = np.stack([data.records.attributes[name][rows] for name in names], axis=1)
        columns = [self.names.index(name) for name in names]
        return float((self.predict(data.images_u8(rows))[:, columns] == labels).all(1).mean())

    def balanced_accuracy(self, data: DatasetView, target: Mapping[str, bool]) -> float | None:
        """How well it tells real test images with the target from those without: the mean of the shares of both that it
        predicts rightly, so that an answer that is always the same gets 0.5.

        Returns:
            In 0..1; None where the test split has only images with the target, or only images without it.
        """
        rows = data.rows("test", None)
        labels = data.satisfies(target)[rows]
        if labels.all() or not labels.any():
            return None
        right = self.has(data.images_u8(rows), target) == labels
        return float(right[labels].mean() + right[~labels].mean()) / 2


def weights(labels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weights of the labels 0 and 1 with which both count the same for each attribute, however rare it is.

    Args:
        labels: Labels 0 or 1 of the training images (N, attributes).

    Returns:
        (2, attributes): of label 0 and of label 1, at most ``HEAVIEST``; 1 for both where half of the images have it.
    """
    share = labels.mean(0)
    return (0.5 / np.maximum(np.stack([1 - share, share]), 0.5 / HEAVIEST)).astype(np.float32)


class UsesClassifier:
    """Base of metrics that use the attribute classifier of a data set.

    The classifier is a timm network for all attributes of the data set. It is trained from scratch on the labels of the
    training split, with flips, and cached by a hash of the images, the labels and its settings. So all tasks and runs on one
    data set and selection use the same classifier. Images with and without an attribute count the same, unless fewer
    than one image in 40 has it (``HEAVIEST``).

    Args:
        network: A timm architecture.
        steps: Training steps.
        batch_size: Images in a training step.
        lr: Highest learning rate of the one-cycle schedule (AdamW).
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
        """One line when timm has no network of this name, else none."""
        name = parameters.get("network", DEFAULT)
        if name == DEFAULT:
            return []
        import timm  # takes seconds

        return [] if timm.is_model(name) else [f'a timm network of the name "{name}"; timm.list_models() lists them']

    def check_recipe(self, recipe: RecipeView) -> Iterator[Problem]:
        """An architecture that does not take images of the recipe's size."""
        if self.network == DEFAULT:
            return
        import timm  # takes seconds

        try:
            network = timm.create_model(self.network, pretrained=False, num_classes=1).eval()
            with torch.no_grad():
                network(torch.zeros(1, 3, recipe.size, recipe.size))
        except Exception as error:  # timm's architectures say in many ways that an image has another size than they take
            yield Problem("network", f"{self.network} fails on an image of {recipe.size} px: {one_line(error)}")

    def classifier(self, data: DatasetView) -> AttributeClassifier:
        """Load the attribute classifier of this data set from the cache, or train and store it."""
        import timm  # takes seconds

        names = tuple(sorted(data.records.attributes))
        labels = np.stack([data.records.attributes[name] for name in names], axis=1)
        torch.manual_seed(self.SEED)
        network = timm.create_model(self.network, pretrained=False, num_classes=len(names))

        def trained() -> bytes:
            self._train(network, data, labels.astype(np.float32))
            return save(network.state_dict())

        network.load_state_dict(load_file(cached(self._key(data, names, labels), trained)))
        return AttributeClassifier(network.eval(), names)

    def _key(self, data: DatasetView, names: tuple[str, ...], labels: NDArray[np.bool_]) -> str:
        content = hashlib.sha256(b"".join(array.tobytes() for array in (labels, data.usable, data.records.split))).hexdigest()
        key = [VERSION, data.key, content, names, self.SEED, self.network, self.steps, self.batch_size, self.lr]
        name = hashlib.sha256(json.dumps(key).encode()).hexdigest()[:32]
        return f"attribute_classifiers/{name}.safetensors"

    def _train(self, network: nn.Module, data: DatasetView, labels: NDArray[np.float32]) -> None:
        log.info("training the attribute classifier (%s, %d steps)", self.network, self.steps)
        rows = data.rows("train", None)
        heavy = weights(labels[rows])
        optimizer = torch.optim.AdamW(network.parameters(), lr=self.lr, weight_decay=0.05)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, self.lr, total_steps=self.steps)
        network.train()
        for step in range(self.steps):
            batch, flips = batch_rows(rows, self.SEED, STREAM, "all", step, self.batch_size, 0, 1)
            logits = network(data.images(batch, flips))
            known = labels[batch]
            weight = torch.from_numpy(np.where(known > 0, heavy[1], heavy[0]))
            loss = nn.functional.binary_cross_entropy_with_logits(logits, torch.from_numpy(known), weight=weight)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
