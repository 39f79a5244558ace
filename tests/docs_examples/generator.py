from typing import Annotated

from pydantic import Field
from torch import Tensor, nn


class Residual(nn.Module):
    """T(x) = x + what two convolutions make of it, clipped to -1..1.

    width: channels between the two.
    """

    def __init__(self, *, width: Annotated[int, Field(ge=1)] = 16) -> None:
        super().__init__()
        self.change = nn.Sequential(nn.Conv2d(3, width, 5, padding=2), nn.ReLU(), nn.Conv2d(width, 3, 5, padding=2))

    def forward(self, images: Tensor) -> Tensor:
        return (images + self.change(images)).clamp(-1, 1)
