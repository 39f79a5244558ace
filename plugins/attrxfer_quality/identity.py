"""An identity loss for degraded images: what was lost may change, what was seen may not."""

from __future__ import annotations

from typing import Annotated

from kornia.filters import gaussian_blur2d
from pydantic import Field
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from attrxfer.interfaces import TransferStep


class DegradedAgain:
    """T(x), degraded as x was, is x: half the mean squared difference. What the degradation removes is free.

    It knows the degradation, as Wiener's filter and Richardson-Lucy do, but no pair of a degraded and a sharp image. Not in
    the paper, whose identity losses compare T(x) with x itself.

    Args:
        sigma: T(x) is blurred by a Gaussian of this standard deviation in pixels; 0 leaves this out. Pixels
            within three of it from the border, where x saw what is not in the image, are not compared.
        factor: Then it is reduced by this factor and enlarged again by bicubic interpolation; 1 leaves this out.
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
            reach = max(1, round(3 * self.sigma))
            kernel = 2 * reach + 1
            output = gaussian_blur2d(output, (kernel, kernel), (self.sigma, self.sigma))[..., reach:-reach, reach:-reach]
            source = source[..., reach:-reach, reach:-reach]
        if self.factor > 1:
            small = avg_pool2d(output, self.factor)
            output = interpolate(small, source.shape[-2:], mode="bicubic", antialias=True)  # as Pillow does, by "antialias"
        return (output - source).square().mean() / 2
