"""What D sees instead of an image: the image moved, turned, enlarged, brighter or darker."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from kornia.enhance import adjust_brightness, adjust_contrast
from kornia.geometry.transform import get_rotation_matrix2d, translate, warp_affine
from torch import Tensor


@dataclass(frozen=True)
class Augmentation:
    """Random changes of images; nothing is clipped.

    Attributes:
        shift: Greatest displacement in each direction, as a share of the side.
        rotate: Greatest angle in degrees.
        zoom: Greatest relative change of the size: factors lie in 1 / (1 + zoom) .. 1 + zoom.
        brightness: Greatest number that is added to or taken from all values, which are in -1..1.
        contrast: Greatest relative change of the differences from the image's mean.
    """

    shift: float
    rotate: float
    zoom: float
    brightness: float
    contrast: float

    def __call__(self, images: Tensor, uniform: Tensor, probability: float | Tensor) -> Tensor:
        """Change images.

        Args:
            images: (N, 3, S, S) in -1..1.
            uniform: Random numbers (N, 8) in 0..1: columns 0 and 1 move an image, 2 changes its contrast, 3 its brightness, 4
                turns it, 5 enlarges it; 6 and 7 decide whether it is moved at all, and whether its colours are changed at all.
            probability: The probability of each of the two, in 0..1.

        Returns:
            Images float32 (N, 3, S, S), differentiable; ``images`` itself where they are and nothing is set.
        """
        # x may be float32 and T(x) bfloat16, which would round the same random numbers to other pixels
        images, uniform = images.float(), uniform.float()
        signed = 2 * uniform - 1
        moved, coloured = ((uniform[:, column] < probability).float() for column in (6, 7))
        if self.contrast:
            mean = images.mean((1, 2, 3), keepdim=True)
            factor = 1 + self.contrast * signed[:, 2] * coloured
            images = mean + adjust_contrast(images - mean, factor, clip_output=False)
        if self.brightness:
            images = adjust_brightness(images, self.brightness * signed[:, 3] * coloured, clip_output=False)
        pixels = (self.shift * images.shape[-1] * signed[:, :2] * moved[:, None]).round()
        if self.rotate or self.zoom:
            centre = torch.full_like(pixels, (images.shape[-1] - 1) / 2)
            size = (1 + self.zoom) ** (signed[:, 5] * moved)
            matrix = get_rotation_matrix2d(centre, self.rotate * signed[:, 4] * moved, size[:, None].expand(-1, 2))
            matrix = torch.cat([matrix[:, :, :2], matrix[:, :, 2:] + pixels[:, :, None]], dim=2)
            images = warp_affine(images, matrix, (images.shape[-2], images.shape[-1]), padding_mode="border")
        elif self.shift:
            images = translate(images, pixels, padding_mode="border")
        return images
