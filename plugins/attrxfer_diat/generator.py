"""The transform network T: Table 1 as printed, and a variant that learns where to change the image."""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from attrxfer_diat.layers import Norm, norm_layer

Width = Annotated[int, Field(ge=4, le=256)]
Blocks = Annotated[int, Field(ge=1, le=32)]


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut (N, C, H, W) -> the same shape."""

    def __init__(self, channels: int, norm: Norm) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=norm == "none"),
            norm_layer(norm, channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1, bias=norm == "none"),
            norm_layer(norm, channels),
        )

    def forward(self, maps: Tensor) -> Tensor:
        return maps + self.body(maps)


def trunk(width: int, blocks: int, norm: Norm, inputs: int = 3) -> nn.Sequential:
    """The first eight rows of Table 1: (N, inputs, S, S) -> (N, 4 * width, S / 4, S / 4)."""
    layers: list[nn.Module] = []
    for channels, outputs, kernel, stride in ((inputs, width, 9, 1), (width, 2 * width, 3, 2), (2 * width, 4 * width, 3, 2)):
        layers += [
            nn.Conv2d(channels, outputs, kernel, stride, padding=kernel // 2, bias=norm == "none"),
            norm_layer(norm, outputs),
            nn.ReLU(inplace=True),
        ]
    layers += [ResidualBlock(4 * width, norm) for _ in range(blocks)]
    return nn.Sequential(*layers)


class TransformNetwork(nn.Module):
    """Table 1: images (N, 3, S, S) in -1..1 -> images of the same shape and range; S divisible by 4.

    The sizes that Table 1 prints (64, 127, 128 after the deconvolutions) need an output padding of 1 in the first
    deconvolution and 0 in the second. The paper gives no normalisation, activation or output function.

    Args:
        width: Channels of the first layer; 32 in the paper.
        blocks: Residual blocks; 5 in the paper.
        norm: Normalisation after every convolution but the last.
        squash: "tanh" on the output, or "none", which clips the output to -1..1 outside training.
    """

    def __init__(
        self, *, width: Width = 32, blocks: Blocks = 5, norm: Norm = "batch", squash: Literal["tanh", "none"] = "tanh"
    ) -> None:
        super().__init__()
        self.squash = squash
        self.trunk = trunk(width, blocks, norm)
        self.up = nn.Sequential(
            nn.ConvTranspose2d(4 * width, 2 * width, 3, 2, padding=1, output_padding=1, bias=norm == "none"),
            norm_layer(norm, 2 * width),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(2 * width, width, 3, 2, padding=1, output_padding=0, bias=norm == "none"),
            norm_layer(norm, width),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(width, 3, 10, 1, padding=4),
        )

    def forward(self, images: Tensor) -> Tensor:
        output = self.up(self.trunk(images))
        if self.squash == "tanh":
            return torch.tanh(output)
        return output if self.training else output.clamp(-1, 1)


class MaskedTransformNetwork(nn.Module):
    """Table 1's trunk with a learned mask: T(x) = x + m (r - x), so that T can leave pixels unchanged.

    Not in the paper. Upsampling and convolutions replace the deconvolutions, whose 3x3 kernels at stride 2 make a
    checkerboard early in training. The last 7x7 convolution gives the image r (tanh) and the mask m (sigmoid). The mask
    starts small: an untrained network returns nearly its input and needs no reconstruction training (eq. 8).

    Args:
        width: Channels of the first layer.
        blocks: Residual blocks.
        norm: Normalisation after every convolution but the last.
        mask_bias: The mask starts near the sigmoid of this number.
    """

    def __init__(
        self,
        *,
        width: Width = 32,
        blocks: Blocks = 5,
        norm: Norm = "batch",
        mask_bias: Annotated[float, Field(ge=-10, le=10)] = -1.0,
    ) -> None:
        super().__init__()
        self.trunk = trunk(width, blocks, norm)
        layers: list[nn.Module] = []
        for inputs, outputs in ((4 * width, 2 * width), (2 * width, width)):
            layers += [
                nn.Upsample(scale_factor=2, mode="nearest"),
                nn.Conv2d(inputs, outputs, 3, padding=1, bias=norm == "none"),
                norm_layer(norm, outputs),
                nn.ReLU(inplace=True),
            ]
        self.up = nn.Sequential(*layers)
        self.head = nn.Conv2d(width, 4, 7, padding=3)
        with torch.no_grad():
            assert self.head.bias is not None
            self.head.bias.zero_()
            self.head.bias[3] = mask_bias

    def parts(self, images: Tensor) -> dict[str, Tensor]:
        """T(x) and the image and mask that it is computed from.

        Args:
            images: x (N, 3, S, S) in -1..1.

        Returns:
            "output" (N, 3, S, S) in -1..1, "mask" m (N, 1, S, S) in 0..1 and "residual" r (N, 3, S, S) in -1..1.
        """
        head = self.head(self.up(self.trunk(images))).to(images.dtype)  # autocast returns a lower precision
        residual, mask = torch.tanh(head[:, :3]), torch.sigmoid(head[:, 3:])
        return {"output": torch.lerp(images, residual, mask), "mask": mask, "residual": residual}

    def forward(self, images: Tensor) -> Tensor:
        return self.parts(images)["output"]
