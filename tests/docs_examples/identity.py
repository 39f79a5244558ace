from typing import Annotated

from pydantic import Field
from torch import Tensor

from attrxfer.interfaces import TransferStep


class SameEdges:
    """Mean absolute difference of the horizontal and vertical gradients of T(x) and x.

    weight: its share of T's objective.
    """

    def __init__(self, *, weight: Annotated[float, Field(ge=0)] = 1.0) -> None:
        self.weight = weight

    def __call__(self, step: TransferStep) -> Tensor:
        change = step.output - step.source
        return change.diff(dim=-1).abs().mean() + change.diff(dim=-2).abs().mean()
