"""Two losses; they see a step and nothing else."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor

from attrxfer.interfaces import TransferStep

Weight = Annotated[float, Field(ge=0)]


class Edges:
    """Mean absolute difference of the horizontal and vertical gradients of T(x) and x. weight: its share of T's objective."""

    def __init__(self, *, weight: Weight = 1.0) -> None:
        self.weight = weight

    def __call__(self, step: TransferStep) -> Tensor:
        change = step.output - step.source
        return change.diff(dim=-1).abs().mean() + change.diff(dim=-2).abs().mean()


class SmallChange:
    """The mean of the generator's mask, where it has one, else of the change itself. weight: its share of T's
    objective."""

    def __init__(self, *, weight: Weight = 0.1) -> None:
        self.weight = weight

    def __call__(self, step: TransferStep) -> Tensor:
        mask = step.parts.get("mask")
        return (step.output - step.source).abs().mean() if mask is None else mask.mean()
