"""The method ``inpainting``: the latent code whose image fits what is visible, blended into the hidden part."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from safetensors.torch import load_file, save
from torch import Tensor
from torch.nn.functional import avg_pool2d, softplus

from attrxfer.errors import AttrxferError
from attrxfer.interfaces import Batch, DatasetView, Locator
from attrxfer.storage.cache import cached
from attrxfer.storage.conversion import to_uint8
from attrxfer_diat.inpainting.dcgan import Dcgan, Trainer, draw

log = logging.getLogger("attrxfer")
SEED = 0
WINDOW = 7
"""Side in pixels of the neighbourhood by which visible pixels are weighted; the paper's."""
SAID_EVERY = 500
ENLARGED = 6
"""By how much an image is enlarged for the blend."""
INSTALL = "opencv-python-headless, which blends: pip install 'attrxfer[inpainting]'"
Steps = Annotated[int, Field(ge=1)]


class Inpainting:
    """The region is masked and filled by a DCGAN that learned images with the attribute.

    Yeh et al.: Semantic Image Inpainting with Perceptual and Contextual Losses (2016), the baseline [40] of section 5.2. For
    each x the latent code z minimises

        sum of W |G(z) - x|, averaged over the visible pixels, + prior * log(1 - D(G(z))),

    where W is the share of hidden pixels in a visible pixel's neighbourhood of 7 x 7. Then G(z) is blended into the hidden part
    (Poisson blending, by OpenCV). The DCGAN is trained on the guided images of the training split and kept in the cache. An
    image whose region is unknown is returned as it is.

    Args:
        size: Side of the images in pixels: 32, 64, 128 or 256.
        locator: Finds the region; the eyes and what is within 0.45 eye distances by itself, so that no frame of glasses is cut.
        width: Channels of the DCGAN's largest maps.
        train_steps: Updates of the DCGAN.
        batch_size: Images in one of its batches.
        steps: Adam updates of z.
        lr: Learning rate of z.
        prior: Weight of the second term; 0.003 in the paper.
    """

    component_defaults: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "locator": {"use": "auto", "region": "eyes", "margin": 0.45}
    }

    def __init__(
        self,
        *,
        size: Annotated[int, Field(ge=16)] = 64,
        locator: Locator,
        width: Annotated[int, Field(ge=4)] = 32,
        train_steps: Steps = 3000,
        batch_size: Annotated[int, Field(ge=2)] = 32,
        steps: Steps = 300,
        lr: Annotated[float, Field(gt=0)] = 0.03,
        prior: Annotated[float, Field(ge=0)] = 0.003,
    ) -> None:
        if size & (size - 1) or size < 32:
            raise AttrxferError(f"method inpainting: size = {size}: a DCGAN makes images of 32, 64, 128 or 256 px")
        self.size = size
        self.locator = locator
        self.width = width
        self.train_steps = train_steps
        self.batch_size = batch_size
        self.steps = steps
        self.lr = lr
        self.prior = prior

    @classmethod
    def missing(cls, **parameters: Any) -> Sequence[str]:
        """OpenCV, where it is not installed."""
        return [] if find_spec("cv2") else [INSTALL]

    def __call__(self, data: DatasetView, target: Mapping[str, bool], rows: NDArray[np.int64]) -> NDArray[np.uint8] | None:
        """Results (N, S, S, 3) for the images of these rows; None where the training split has no guided image."""
        guided = data.rows("train", target)
        if not len(guided):
            return None
        network = self.trained(data, target, guided)
        results = []
        for start in range(0, len(rows), self.batch_size):
            chunk = rows[start : start + self.batch_size]
            x = data.images(chunk)
            nothing = np.zeros(len(chunk), bool)
            hidden = self.locator.masks(data, Batch(x, torch.zeros(len(chunk)), chunk, nothing))
            filled = self.filled(network, x, torch.from_numpy(hidden))
            pairs = zip(data.images_u8(chunk), filled, hidden[:, 0] > 0, strict=True)
            results += [blended(image, fill, mask) for image, fill, mask in pairs]
            log.info("inpainting: %d of %d images", start + len(chunk), len(rows))
        return np.stack(results)

    def trained(self, data: DatasetView, target: Mapping[str, bool], guided: NDArray[np.int64]) -> Dcgan:
        """The DCGAN, trained on the guided images or read from the cache."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(SEED)
            network = Dcgan(self.size, self.width)
        content = hashlib.sha256(guided.tobytes()).hexdigest()
        key = [data.key, content, dict(target), self.size, self.width, self.train_steps, self.batch_size, SEED]
        name = hashlib.sha256(json.dumps(key).encode()).hexdigest()[:32]

        def made() -> bytes:
            self._train(network, data, guided)
            return save(network.state_dict())

        network.load_state_dict(load_file(cached(f"dcgans/{name}.safetensors", made)))
        return network.eval().requires_grad_(False)

    def _train(self, network: Dcgan, data: DatasetView, guided: NDArray[np.int64]) -> None:
        trainer, random = Trainer(network.train(), torch.Generator().manual_seed(SEED)), np.random.default_rng(SEED)
        log.info("inpainting: training a DCGAN on %d images, %d steps", len(guided), self.train_steps)
        for step in range(1, self.train_steps + 1):
            losses = trainer.step(data.images(np.sort(random.choice(guided, self.batch_size))))
            if step % SAID_EVERY == 0:
                log.info("inpainting: step %d, losses of D and G %.2f, %.2f", step, *losses)

    def filled(self, network: Dcgan, x: Tensor, hidden: Tensor) -> NDArray[np.uint8]:
        """G(z) for the z that fits x (N, 3, S, S) in -1..1 where ``hidden`` (N, 1, S, S) is 0: uint8 (N, S, S, 3)."""
        near = avg_pool2d(hidden, WINDOW, 1, WINDOW // 2) * (1 - hidden)
        weight = near / near.sum((1, 2, 3), keepdim=True).clamp_min(1e-6)
        z = draw(len(x), torch.Generator().manual_seed(SEED)).requires_grad_(True)
        optimizer = torch.optim.Adam([z], lr=self.lr)
        for _ in range(self.steps):
            made = network(z)
            context = (weight * (made - x).abs()).sum((1, 2, 3))
            prior = -softplus(network.discriminator(made))  # log(1 - D), D = sigmoid(logit)
            optimizer.zero_grad()
            (context + self.prior * prior).sum().backward()
            optimizer.step()
            z.data.clamp_(-1, 1)
        with torch.no_grad():
            return to_uint8(network(z))


def blended(image: NDArray[np.uint8], fill: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The image (S, S, 3) with the gradients of ``fill`` where ``mask`` (S, S): Poisson blending (Perez et al. 2003).

    Pixels at the image's own border keep their values, because the blend needs a border to begin at.
    """
    import cv2

    inside = mask.copy()
    inside[[0, -1]] = inside[:, [0, -1]] = False
    rows, columns = np.nonzero(inside)
    if not len(rows):
        return image
    # OpenCV leaves out three pixels along the mask's edge, so it blends an enlarged image
    factor, side = ENLARGED, len(image)
    large, filling = (cv2.resize(one, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC) for one in (image, fill))
    mask_large = np.kron(inside.astype(np.uint8) * 255, np.ones((factor, factor), np.uint8))
    ends = [int(axis.min() + axis.max() + 1) * factor // 2 for axis in (columns, rows)]
    made = cv2.seamlessClone(filling, large, mask_large, (ends[0], ends[1]), cv2.NORMAL_CLONE)
    reduced = cv2.resize(made, (side, side), interpolation=cv2.INTER_AREA)
    return np.where(inside[..., None], reduced, image).astype(np.uint8)
