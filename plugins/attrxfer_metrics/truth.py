"""Closeness to the exact counterfactual, where the data set can draw it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from attrxfer.interfaces import Evaluation, PerImageScore

NO_ERROR = 100.0
"""PSNR in dB that is reported for equal images, instead of infinity."""
Images = NDArray[np.uint8]


class Truth:
    """Compares results with the truth, the same subject drawn with the attribute: the share of results that are closer to
    the truth than their input is (by mean squared error), PSNR (dB) and SSIM.

    Args:
        strengths: Strengths s between 0 and 1 that are scored too. For their truth, the target attributes that the subject
            lacks are drawn at degree s (0 is absent, 1 is present).
    """

    def __init__(self, *, strengths: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = (0.5,)) -> None:
        self.strengths = strengths

    def __call__(self, evaluation: Evaluation) -> Mapping[str, PerImageScore]:
        """Score results; empty where there is no truth."""
        truth = evaluation.truth
        if truth is None:
            return {}
        scores = {
            "closer to truth": closer(evaluation.outputs, evaluation.sources, truth),
            "PSNR to truth": PerImageScore(each_psnr(evaluation.outputs, truth), "dB", role="truth"),
            "SSIM to truth": PerImageScore(each_ssim(evaluation.outputs, truth), role="truth"),
        }
        if evaluation.model is not None:
            for strength in self.strengths:
                between = evaluation.data.truth(evaluation.rows, evaluation.target, strength)
                assert between is not None
                outputs = evaluation.model.images(evaluation.sources, strength)
                scores[f"closer to truth at {strength:g}"] = closer(outputs, evaluation.sources, between)
                scores[f"PSNR to truth at {strength:g}"] = PerImageScore(each_psnr(outputs, between), "dB", role="truth")
        return scores


def closer(images: Images, sources: Images, truth: Images) -> PerImageScore:
    """1 for each image (N, S, S, 3) with a smaller squared error to the truth than its source, else 0: (N,)."""
    nearer = squared_error(images, truth) < squared_error(sources, truth)
    return PerImageScore(nearer.astype(float), "share", role="truth")


def squared_error(images: Images, truth: Images) -> NDArray[np.float64]:
    """Mean squared error of each image (N, S, S, 3), values in 0..255: (N,)."""
    return np.square(images.astype(np.float64) - truth).mean((1, 2, 3))


def each_psnr(images: Images, truth: Images) -> NDArray[np.float64]:
    """PSNR in dB of each image (N, S, S, 3), at most ``NO_ERROR``: (N,)."""
    values = [
        NO_ERROR if np.array_equal(one, other) else peak_signal_noise_ratio(other, one)
        for one, other in zip(images, truth, strict=True)
    ]
    return np.minimum(values, NO_ERROR)


def each_ssim(images: Images, truth: Images) -> NDArray[np.float64]:
    """SSIM of each image (N, S, S, 3): (N,)."""
    return np.array([structural_similarity(o, t, channel_axis=-1) for o, t in zip(images, truth, strict=True)])
