from typing import Annotated

from pydantic import Field
from torch import Tensor

from attrxfer.interfaces import TransferStep


class SmallChange:
    """The mean of the generator's mask, where it has one, else the mean absolute change.

    weight: its share of T's objective.
    """

    def __init__(self, *, weight: Annotated[float, Field(ge=0)] = 0.1) -> None:
        self.weight = weight

    def __call__(self, step: TransferStep) -> Tensor:
        mask = step.parts.get("mask")
        return (step.output - step.source).abs().mean() if mask is None else mask.mean()
