from itertools import pairwise
from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from attrxfer.interfaces import Discrimination


class Pooled(nn.Module):
    """Four convolutions, each of which halves the side; the logit is read from the mean of the last map.

    width: channels of each.
    """

    def __init__(self, *, width: Annotated[int, Field(ge=1)] = 16) -> None:
        super().__init__()
        sizes = pairwise([3, width, width, width, width])
        self.layers = nn.ModuleList(nn.Conv2d(before, after, 4, stride=2, padding=1) for before, after in sizes)
        self.head = nn.Linear(width, 1)

    def forward(self, images: Tensor) -> Discrimination:
        maps, features = images, []
        for layer in self.layers:
            maps = nn.functional.leaky_relu(layer(maps), 0.2)
            features.append(maps)
        return Discrimination(self.head(maps.mean((2, 3))).squeeze(1), tuple(features))
