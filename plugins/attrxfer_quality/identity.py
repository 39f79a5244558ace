"""An identity loss for degraded images: what was lost may change, what was seen may not."""

from __future__ import annotations

from typing import Annotated

from kornia.filters import gaussian_blur2d
from pydantic import Field
from torch import Tensor
from torch.nn.functional import avg_pool2d

from attrxfer.interfaces import TransferStep


class DegradedAgain:
    """T(x), degraded as x was, is x: half the mean squared difference. What the degradation removes is free.

    It knows the degradation, as Wiener's filter and Richardson-Lucy do, but no pair of a degraded and a sharp image. Not in
    the paper, whose identity losses compare T(x) with x itself.

    Args:
        sigma: T(x) is blurred by a Gaussian of this standard deviation in pixels; 0 leaves this out. The
            border is continued by its mirror image.
        factor: Then T(x) and x are reduced by this factor; 1 leaves this out.
        weight: Weight of the term in T's objective.
    """

    def __init__(
        self,
        *,
        sigma: Annotated[float, Field(ge=0, le=5)] = 0.0,
        factor: Annotated[int, Field(ge=1, le=8)] = 1,
        weight: Annotated[float, Field(ge=0)] = 100.0,
    ) -> None:
        self.sigma = sigma
        self.factor = factor
        self.weight = weight

    def __call__(self, step: TransferStep) -> Tensor:
        """A scalar, not yet multiplied by ``weight``."""
        output, source = step.output.float(), step.source.float()
        if self.sigma:
            kernel = 2 * round(3 * self.sigma) + 1
            output = gaussian_blur2d(output, (kernel, kernel), (self.sigma, self.sigma))
        if self.factor > 1:
            output, source = avg_pool2d(output, self.factor), avg_pool2d(source, self.factor)
        return (output - source).square().mean() / 2
