"""Functions that several checks use."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import Tensor, nn

from attrxfer.testing.fakes import random_images


def call(network: nn.Module) -> Any:
    parameters = inspect.signature(network.forward).parameters.values()
    inputs = sum(parameter.default is parameter.empty for parameter in parameters)
    torch.manual_seed(0)
    return network(*[random_images(seed=seed) for seed in range(inputs)])


def equal(one: Any, other: Any) -> None:
    if isinstance(one, Tensor):
        torch.testing.assert_close(one, other)
    elif one is None:
        assert other is None
    else:
        for first, second in zip(one, other, strict=True):
            equal(first, second)


def in_range(images: Tensor) -> None:
    assert torch.isfinite(images).all() and images.min() >= -1 and images.max() <= 1, (
        f"values {float(images.min()):.3g} to {float(images.max()):.3g}, expected -1 to 1"
    )


def maps(features: Any, count: int) -> None:
    assert isinstance(features, tuple) and features, "features: a tuple of maps"
    assert all(maps.dim() == 4 and len(maps) == count and torch.isfinite(maps).all() for maps in features)
