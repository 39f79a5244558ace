"""Conversion of images between uint8 (files, cache) and float32 in -1..1 (networks)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor


def normalize(images_u8: Tensor) -> Tensor:
    """uint8 (N, S, S, 3) -> float32 (N, 3, S, S) in -1..1, channels last in memory."""
    return images_u8.permute(0, 3, 1, 2).float() / 127.5 - 1


def quantize(images: Tensor) -> Tensor:
    """float (N, 3, S, S), clipped to -1..1, -> uint8 (N, S, S, 3); the inverse of ``normalize``."""
    import torch

    return ((images.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1)


def to_tensor(images_u8: NDArray[np.uint8]) -> Tensor:
    """``normalize`` for an array."""
    import torch

    return normalize(torch.from_numpy(np.require(images_u8, requirements=["C", "W"])))


def to_uint8(images: Tensor) -> NDArray[np.uint8]:
    """``quantize`` to an array."""
    return quantize(images).contiguous().cpu().numpy()
