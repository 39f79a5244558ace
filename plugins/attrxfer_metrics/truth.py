"""Closeness to the exact counterfactual, where the data set can draw it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from attrxfer.interfaces import Evaluation

NO_ERROR = 100.0
"""PSNR in dB that stands for two equal pictures, whose own is infinite."""


class Truth:
    """Against the same subject drawn with the attribute: the share of results that are closer to it (mean squared error)
    than their input is, and mean PSNR (dB) and SSIM of results and of inputs, the anchor."""

    def __call__(self, evaluation: Evaluation) -> Mapping[str, float]:
        """Empty where there is no truth."""
        truth = evaluation.truth
        if truth is None:
            return {}
        before = squared_error(evaluation.sources, truth)
        after = squared_error(evaluation.outputs, truth)
        return {
            "closer to truth": float((after < before).mean()),
            "PSNR to truth": psnr(evaluation.outputs, truth),
            "SSIM to truth": ssim(evaluation.outputs, truth),
            "PSNR of the input": psnr(evaluation.sources, truth),
            "SSIM of the input": ssim(evaluation.sources, truth),
        }


def squared_error(pictures: NDArray[np.uint8], truth: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Mean squared error of each picture (N, S, S, 3), in squares of 0..255: (N,)."""
    return np.square(pictures.astype(np.float64) - truth).mean((1, 2, 3))


def psnr(pictures: NDArray[np.uint8], truth: NDArray[np.uint8]) -> float:
    """Mean PSNR in dB over pictures (N, S, S, 3); equal pictures count as 100 dB."""
    return float(each_psnr(pictures, truth).mean())


def each_psnr(pictures: NDArray[np.uint8], truth: NDArray[np.uint8]) -> NDArray[np.float64]:
    """PSNR in dB of each picture (N, S, S, 3): (N,)."""
    values = [
        NO_ERROR if np.array_equal(one, other) else peak_signal_noise_ratio(other, one)
        for one, other in zip(pictures, truth, strict=True)
    ]
    return np.minimum(values, NO_ERROR)


def ssim(pictures: NDArray[np.uint8], truth: NDArray[np.uint8]) -> float:
    """Mean SSIM over pictures (N, S, S, 3)."""
    return float(np.mean([structural_similarity(o, t, channel_axis=-1) for o, t in zip(pictures, truth, strict=True)]))
