"""Normalisation and initialisation shared by the networks."""

from __future__ import annotations

from typing import Literal

from torch import nn

Norm = Literal["none", "batch", "instance", "group"]


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
