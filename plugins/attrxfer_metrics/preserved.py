"""Similarity to the input where nothing should change: outside the attribute's region."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

from attrxfer.interfaces import Batch, Evaluation, Locator, PerImageScore
from attrxfer_metrics.truth import NO_ERROR


class Preserved:
    """PSNR (dB) and SSIM of results to their inputs where nothing should change, and the shift of the mean colour (0..255).

    Where the exact truth is known, these are the pixels that are equal in input and truth. Otherwise they are the pixels
    outside the locator's region; images without a region are left out. Without a locator the whole image is compared, which
    is a rough measure for an attribute that changes the whole subject.

    Args:
        locator: Locates the region that may change.
    """

    def __init__(self, *, locator: Locator | None = None) -> None:
        self.locator = locator

    def __call__(self, evaluation: Evaluation) -> Mapping[str, PerImageScore]:
        outside = self._outside(evaluation)
        outputs, sources = evaluation.outputs.astype(np.float64), evaluation.sources.astype(np.float64)
        where = "where nothing should change" if outside is not None else "to the input"
        mask = np.ones((*outputs.shape[:3], 1)) if outside is None else outside[..., None].astype(float)
        similar = [
            _ssim(output, source, inside[..., 0])
            for output, source, inside in zip(evaluation.outputs, evaluation.sources, mask, strict=True)
        ]
        shift = np.abs(outputs.mean((1, 2)) - sources.mean((1, 2))).mean(1)
        return {
            f"PSNR {where}": PerImageScore(masked_psnr(outputs, sources, mask), "dB", role="unchanged"),
            f"SSIM {where}": PerImageScore(np.array(similar), role="unchanged"),
            "colour shift": PerImageScore(shift, better="lower", role="unchanged"),
        }

    def _outside(self, evaluation: Evaluation) -> NDArray[np.bool_] | None:
        """Pixels (N, S, S) that should not change; None: not known."""
        if evaluation.truth is not None:
            return np.asarray((evaluation.truth == evaluation.sources).all(-1))
        if self.locator is None:
            return None
        inside = self.locator.masks(evaluation.data, _as_batch(evaluation))[:, 0] > 0
        return ~inside & inside.any((1, 2), keepdims=True)  # no pixel counts where the region is unknown


def masked_psnr(outputs: NDArray[Any], sources: NDArray[Any], mask: NDArray[Any]) -> NDArray[np.float64]:
    """PSNR in dB of images (N, S, S, 3) to sources over the pixels where ``mask`` (N, S, S, 1) is 1: (N,).

    It is at most ``NO_ERROR``, and NaN where the mask is 0 everywhere.
    """
    pixels = 3 * mask.sum((1, 2, 3))
    with np.errstate(divide="ignore", invalid="ignore"):
        error = (np.square(outputs - sources) * mask).sum((1, 2, 3)) / pixels
        return np.minimum(10 * np.log10(255**2 / error), NO_ERROR)


def _ssim(output: NDArray[np.uint8], source: NDArray[np.uint8], inside: NDArray[np.float64]) -> float:
    """The mean of the local SSIM over the pixels (S, S) where ``inside`` is 1. Elsewhere the output is replaced by the source,
    so that windows across the border see no other difference."""
    kept = np.where(inside[..., None] > 0, output, source)
    _, local = structural_similarity(kept, source, channel_axis=-1, full=True)
    return float((local.mean(-1) * inside).sum() / inside.sum()) if inside.any() else float("nan")


def _as_batch(evaluation: Evaluation) -> Batch:
    import torch

    count = len(evaluation.rows)
    images = torch.zeros(count, 3, *evaluation.sources.shape[1:3])
    return Batch(images, torch.zeros(count), evaluation.rows, np.zeros(count, bool))
