"""Regularizers: what keeps T's output clean."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor

from attrxfer.interfaces import TransferStep


class TotalVariation:
    """Section 3.1.1's alternative: the mean absolute difference of neighbouring pixels of T(x), in -1..1.

    weight: gamma of eq. 7 for this term.
    """

    def __init__(self, *, weight: Annotated[float, Field(ge=0)] = 0.1) -> None:
        self.weight = weight

    def __call__(self, step: TransferStep) -> Tensor:
        """Scalar."""
        picture = step.output.float()
        across = (picture[..., 1:] - picture[..., :-1]).abs().mean()
        down = (picture[..., 1:, :] - picture[..., :-1, :]).abs().mean()
        return across + down
