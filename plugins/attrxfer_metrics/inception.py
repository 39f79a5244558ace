"""The Inception network of the original FID, with weights from a file of yours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, max_pool2d

from attrxfer.errors import DataError
from attrxfer.storage.files import read_tensors

SIDE, BATCH = 299, 16
UNUSED = ("fc.", "AuxLogits.")
WHERE = "pt_inception-2015-12-05-6726825d.pth, from the releases of github.com/mseitzer/pytorch-fid"
AVERAGED = ("Mixed_5b", "Mixed_5c", "Mixed_5d", "Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e", "Mixed_7b")
"""Blocks whose pooling branch averages without the zeros beyond the border; torchvision counts these zeros too."""
MAXIMUM = "Mixed_7c"
"""The last block, whose pooling branch takes the maximum; torchvision averages."""


class Inception:
    """The 2048 features after the last pooling of the Inception network of Heusel et al. (arXiv:1706.08500).

    Images are resized to 299 pixels as in clean-fid.

    Args:
        path: ``pt_inception-2015-12-05-6726825d.pth``, or the same tensors as safetensors.

    Raises:
        DataError: The file holds another network's tensors.
    """

    def __init__(self, path: Path) -> None:
        from torchvision.models import inception_v3  # takes seconds

        network = inception_v3(weights=None, aux_logits=False, init_weights=False, transform_input=False)
        network.fc = nn.Identity()
        weights = {name: value for name, value in read_tensors(path).items() if not name.startswith(UNUSED)}
        try:
            network.load_state_dict(weights)
        except RuntimeError as error:
            first = str(error).splitlines()[1].strip()
            raise DataError(f"{path}: is not FID's Inception ({first[:100]}); take {WHERE}") from None
        for name in AVERAGED:
            _pool(getattr(network, name), lambda maps: avg_pool2d(maps, 3, stride=1, padding=1, count_include_pad=False))
        _pool(getattr(network, MAXIMUM), lambda maps: max_pool2d(maps, 3, stride=1, padding=1))
        self.network = network.eval()

    @torch.no_grad()
    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features (N, 2048) of uint8 images (N, S, S, 3)."""
        parts = []
        for start in range(0, len(images), BATCH):
            large = np.stack([resized(image, SIDE) for image in images[start : start + BATCH]])
            parts.append(self.network((torch.from_numpy(large).permute(0, 3, 1, 2) - 128) / 128))
        return torch.cat(parts).numpy()


def _pool(block: nn.Module, pool: Callable[[Tensor], Tensor]) -> None:
    """Replace the pooling in a block: its branch after the pooling gets ``pool`` of the block's input."""
    block_input: list[Tensor] = []

    def remember(module: nn.Module, inputs: tuple[Any, ...]) -> None:
        block_input[:] = inputs

    block.register_forward_pre_hook(remember)
    block.get_submodule("branch_pool").register_forward_pre_hook(lambda module, inputs: pool(block_input.pop()))


def resized(image: NDArray[np.uint8], side: int) -> NDArray[np.float32]:
    """Resize an image as clean-fid does (Parmar et al., arXiv:2104.11222): bicubic with antialiasing, not rounded.

    Args:
        image: uint8 (S, S, 3).
        side: The new side in pixels.

    Returns:
        (side, side, 3) in 0..255.
    """
    planes = [Image.fromarray(plane).resize((side, side), Image.Resampling.BICUBIC) for plane in _planes(image)]
    return np.stack([np.asarray(plane) for plane in planes], axis=-1).clip(0, 255)


def _planes(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.ascontiguousarray(image.transpose(2, 0, 1), np.float32)
