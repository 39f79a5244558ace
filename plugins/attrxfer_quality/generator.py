"""A generator for what lies in single pixels: it never reduces the image."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor, nn


class ResidualNetwork(nn.Module):
    """T(x) = x + f(x), clipped to -1..1 outside training; f is a row of 3x3 convolutions of stride 1 with ReLU between them.

    The networks of Table 1 reduce an image to a quarter and lose what a sharper image needs. f begins at zero, so that an
    untrained network returns its input and needs no reconstruction training (eq. 8). Without normalisation it treats each part
    of a large image as a small image alone. Borders are continued by their mirror image: with zeros, the network would see
    where they are, and learn a frame. Not in the paper; the form is that of DnCNN (Zhang et al., TIP 2017).

    Args:
        width: Channels between the convolutions.
        depth: Number of convolutions: a result depends on ``depth`` pixels in each direction.
    """

    def __init__(
        self, *, width: Annotated[int, Field(ge=4, le=256)] = 32, depth: Annotated[int, Field(ge=2, le=32)] = 8
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for channels in (3, *[width] * (depth - 2)):
            layers += [nn.Conv2d(channels, width, 3, padding=1, padding_mode="reflect"), nn.ReLU(inplace=True)]
        last = nn.Conv2d(width, 3, 3, padding=1, padding_mode="reflect")
        nn.init.zeros_(last.weight)
        if last.bias is not None:
            nn.init.zeros_(last.bias)
        self.layers = nn.Sequential(*layers, last)

    def forward(self, images: Tensor) -> Tensor:
        made: Tensor = images + self.layers(images).to(images.dtype)
        return made if self.training else made.clamp(-1, 1)
