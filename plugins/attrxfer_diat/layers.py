"""What the networks share: normalisation, initialisation, a small fully convolutional network."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from torch import nn

Norm = Literal["none", "batch", "instance", "group"]
Depth = Annotated[int, Field(ge=2, le=16)]
Kernel = Literal[1, 3, 5, 7, 9]


def norm_layer(norm: Norm, channels: int) -> nn.Module:
    """The layer that normalises maps (N, channels, H, W); "group" takes groups of up to eight channels."""
    if norm == "batch":
        return nn.BatchNorm2d(channels)
    if norm == "instance":
        return nn.InstanceNorm2d(channels, affine=True)
    if norm == "group":
        return nn.GroupNorm(max(1, channels // 8), channels)
    return nn.Identity()


def kaiming(module: nn.Module, slope: float) -> None:
    """Kaiming-normal weights for a leaky ReLU of this slope and zero biases, in place.

    torch's default makes the maps of a network without normalisation very small, and with them the loss of eq. 12.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, a=slope)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def fully_convolutional(inputs: int, width: int, depth: int, kernel: int, residual: bool) -> nn.Sequential:
    """``depth`` convolutions of stride 1 with ReLU between them: (N, inputs, H, W) -> (N, 3, H, W).

    Args:
        inputs: Channels of the input.
        width: Channels between the convolutions.
        depth: Number of convolutions.
        kernel: Their side.
        residual: Whether the output is added to an image: then the last convolution starts at zero, so that an untrained
            network changes nothing.
    """
    layers: list[nn.Module] = []
    for channels in (inputs, *[width] * (depth - 2)):
        layers += [nn.Conv2d(channels, width, kernel, padding=kernel // 2), nn.ReLU(inplace=True)]
    last = nn.Conv2d(width, 3, kernel, padding=kernel // 2)
    if residual:
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)  # type: ignore[arg-type]
    return nn.Sequential(*layers, last)
