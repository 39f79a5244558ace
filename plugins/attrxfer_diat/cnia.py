"""CNIA, the paper's baseline for attribute transfer: each image is optimised by itself, without a generator."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, normalize

from attrxfer.errors import AttrxferError, DataError
from attrxfer.interfaces import DatasetView, Features
from attrxfer.storage.conversion import to_tensor, to_uint8
from attrxfer_diat.identity import check_layers, content
from attrxfer_diat.regularizer import Weight, roughness
from attrxfer_diat.supervised import Positive

log = logging.getLogger("attrxfer")
CHUNK = 64
GRID = 4
"""Neighbours are compared by the last map, averaged over a grid of this side."""
Layers = Annotated[tuple[Positive, ...], Field(min_length=1)]


class Cnia:
    """Pixels are optimised until their features are those that the attribute's nearest images have on average, and those of x.

    Li, Zhang, Zhang: Convolutional Network for Attribute-driven and Identity-preserving Human Face Generation (2016), the
    baseline [26] of section 5.2. For each x the objective is

        attribute * content(phi(y), mean of phi over the K nearest guided images) + identity * content(phi(y), phi(x))
        + tv * total variation of y,

    minimised over y, which starts as x. Here the nearest are found by the last map of phi.

    Args:
        network: phi. ``face_features`` is trained on the data set first; ``vgg_face`` and ``timm`` read files.
        neighbours: K.
        attribute_layers: phi's maps of the first term, counted from 1.
        identity_layers: phi's maps of the second term.
        attribute: Weight of the first term.
        identity: Weight of the second term.
        tv: Weight of the total variation; images are in -1..1.
        optimizer: "adam", or "lbfgs" with a strong Wolfe line search.
        steps: Iterations; one of "lbfgs" may take several passes.
        lr: Learning rate of Adam, in steps of -1..1.
        batch_size: Images that are optimised at the same time.
    """

    component_defaults: ClassVar[Mapping[str, Mapping[str, object]]] = {"network": {"use": "face_features"}}

    def __init__(
        self,
        *,
        network: Features,
        neighbours: Positive = 20,
        attribute_layers: Layers = (4, 5),
        identity_layers: Layers = (1, 2, 3),
        attribute: Weight = 1.0,
        identity: Weight = 0.1,
        tv: Weight = 0.05,
        optimizer: Literal["adam", "lbfgs"] = "adam",
        steps: Positive = 100,
        lr: Annotated[float, Field(gt=0)] = 0.02,
        batch_size: Positive = 16,
    ) -> None:
        self.phi: Any = network
        self.neighbours = neighbours
        self.attribute_layers = attribute_layers
        self.identity_layers = identity_layers
        self.attribute = attribute
        self.identity = identity
        self.tv = tv
        self.optimizer = optimizer
        self.steps = steps
        self.lr = lr
        self.batch_size = batch_size

    def __call__(self, data: DatasetView, target: Mapping[str, bool], rows: NDArray[np.int64]) -> NDArray[np.uint8] | None:
        """Results (N, S, S, 3) for the images of these rows; None where the training split has no guided image.

        Raises:
            AttrxferError: ``network`` does not have one of the layers.
        """
        if not len(data.rows("train", target)):
            return None
        self.learn(data, target)
        return self.transfer(data.images_u8(rows), 1.0)

    def learn(self, data: DatasetView, target: Mapping[str, bool]) -> None:
        """Keep the guided images of the training split, and what neighbours are found by.

        Raises:
            DataError: There are none.
        """
        self.guided = data.rows("train", target)
        if not len(self.guided):
            raise DataError(f"method cnia: no training image has {dict(target)}")
        self.data = data
        self.phi.requires_grad_(False).eval()
        self.keys = self._keys(data, self.guided)

    def transfer(self, images_u8: NDArray[np.uint8], strength: float) -> NDArray[np.uint8]:
        """Results (N, S, S, 3) for images of that shape, blended by ``strength``; ``learn`` was called before."""
        results: list[NDArray[np.uint8]] = []
        for start in range(0, len(images_u8), self.batch_size):
            x = to_tensor(images_u8[start : start + self.batch_size])
            wanted = [self._mean(self.data, near) for near in self.guided[self._nearest(x, self.keys)]]
            means = [torch.stack(maps) for maps in zip(*wanted, strict=True)]
            y = self.optimised(x, means)
            results.append(to_uint8((x + strength * (y - x)).clamp(-1, 1)))
            log.info("cnia: %d of %d images", min(start + self.batch_size, len(images_u8)), len(images_u8))
        return np.concatenate(results)

    def optimised(self, x: Tensor, means: list[Tensor]) -> Tensor:
        """The images (N, 3, S, S) in -1..1 that minimise the objective for x, beginning at x.

        Args:
            x: (N, 3, S, S) in -1..1.
            means: The guided images' mean of each of phi's maps, (N, C, H, W) each.
        """
        with torch.no_grad():
            source = self.phi(x)
        for layers in (self.attribute_layers, self.identity_layers):
            for problem in check_layers(layers, (), len(source)):
                raise AttrxferError(f"method cnia: {problem.path} = {problem.message}")
        y = x.clone().requires_grad_(True)

        def objective() -> Tensor:
            maps = self.phi(y)
            loss = self.attribute * content(maps, means, self.attribute_layers, (), "relative")
            loss = loss + self.identity * content(maps, source, self.identity_layers, (), "relative")
            return (loss + self.tv * roughness(y)) * len(x)  # content averages over the batch; images do not share a step

        if self.optimizer == "lbfgs":
            method: torch.optim.Optimizer = torch.optim.LBFGS([y], max_iter=self.steps, line_search_fn="strong_wolfe")
            method.step(lambda: _backward(method, objective))
        else:
            method = torch.optim.Adam([y], lr=self.lr)
            for _ in range(self.steps):
                method.step(lambda: _backward(method, objective))
                y.data.clamp_(-1, 1)
        return y.detach().clamp(-1, 1)

    def _keys(self, data: DatasetView, rows: NDArray[np.int64]) -> Tensor:
        """What neighbours are found by: unit vectors (N, D)."""
        chunks = [rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK)]
        return torch.cat([self._key(data.images(chunk)) for chunk in chunks])

    def _key(self, images: Tensor) -> Tensor:
        with torch.no_grad():
            return normalize(adaptive_avg_pool2d(self.phi(images)[-1], GRID).flatten(1))

    def _nearest(self, x: Tensor, keys: Tensor) -> NDArray[np.int64]:
        """Positions (N, K) of the guided images that are nearest to x."""
        found: NDArray[np.int64] = (self._key(x) @ keys.T).topk(min(self.neighbours, len(keys))).indices.numpy()
        return found

    def _mean(self, data: DatasetView, rows: NDArray[np.int64]) -> list[Tensor]:
        """The mean of each of phi's maps over images: (C, H, W) each."""
        with torch.no_grad():
            return [maps.mean(0) for maps in self.phi(data.images(rows))]


def _backward(method: torch.optim.Optimizer, objective: Any) -> float:
    method.zero_grad()
    loss: Tensor = objective()
    loss.backward()
    return float(loss.detach())
