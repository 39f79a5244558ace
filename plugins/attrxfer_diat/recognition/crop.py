"""The part of an image that a recognition network gets."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import grid_sample

Crop = tuple[float, float, float, float]
"""Left, top, right, bottom as shares of the image's side; it may reach beyond the image."""
WHOLE: Crop = (0.0, 0.0, 1.0, 1.0)
ARCFACE = np.array([[38.3, 51.7], [73.5, 51.5], [56.0, 71.7], [41.5, 92.4], [70.7, 92.2]]) / 112
"""Where ArcFace's alignment puts the five landmarks (eyes, nose, corners of the mouth), as shares of the network's input."""


def arcface_crop(points: NDArray[np.float32]) -> Crop:
    """The square that puts five points (5, 2), shares of the image's side, nearest to ``ARCFACE``, without rotation."""
    theirs, ours = ARCFACE - ARCFACE.mean(0), points - points.mean(0)
    width = float((theirs * ours).sum() / np.square(theirs).sum())  # least squares
    left, top = points.mean(0) - width * ARCFACE.mean(0)
    return float(left), float(top), float(left + width), float(top + width)


def cropped(images: Tensor, crop: Crop, size: tuple[int, int]) -> Tensor:
    """Cut images (N, C, S, S) to (N, C, *size) by bilinear interpolation; beyond the border the border's colour goes on."""
    left, top, right, bottom = crop
    height, width = size
    x = 2 * (left + (right - left) * (torch.arange(width, device=images.device) + 0.5) / width) - 1
    y = 2 * (top + (bottom - top) * (torch.arange(height, device=images.device) + 0.5) / height) - 1
    grid = torch.stack(torch.meshgrid(x, y, indexing="xy"), -1).expand(len(images), -1, -1, -1)
    return grid_sample(images, grid, padding_mode="border", align_corners=False)
