"""Reconstruction losses of generators that are told what to change."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor

from attrxfer.errors import AttrxferError
from attrxfer.interfaces import Change, TransferStep

Weight = Annotated[float, Field(ge=0)]


class ChangedBack:
    """StarGAN's cycle: the mean absolute difference of x and of T(T(x)), the second time told what x had. One more pass of T.

    Args:
        weight: Weight of the term in T's objective; 10 in StarGAN.
    """

    def __init__(self, *, weight: Weight = 10.0) -> None:
        self.weight = weight

    def __call__(self, step: TransferStep) -> Tensor:
        """A scalar, not yet multiplied by ``weight``.

        Raises:
            AttrxferError: The generator is not told what to change.
        """
        change = _change(step, "changed_back")
        return (step.generate(step.output, change.back) - step.source).float().abs().mean()


class Unchanged:
    """AttGAN's reconstruction: the mean absolute difference of x and of T(x), told to change nothing. One more pass of T.

    Args:
        weight: Weight of the term in T's objective; 100 in AttGAN.
    """

    def __init__(self, *, weight: Weight = 100.0) -> None:
        self.weight = weight

    def __call__(self, step: TransferStep) -> Tensor:
        """A scalar, not yet multiplied by ``weight``.

        Raises:
            AttrxferError: The generator is not told what to change.
        """
        change = _change(step, "unchanged")
        return (step.generate(step.source, 0 * change.asked) - step.source).float().abs().mean()


def _change(step: TransferStep, name: str) -> Change:
    if step.change is None:
        raise AttrxferError(
            f"regularizer {name}: this generator is not told what to change; "
            f'generator.use = "stargan", "attgan" or "masked_many" is'
        )
    return step.change
