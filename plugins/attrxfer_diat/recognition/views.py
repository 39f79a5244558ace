"""Random changes of images, under which the recognition network sees its training images, x and T(x)."""

from __future__ import annotations

import torch
from kornia.enhance import adjust_brightness, adjust_contrast
from kornia.filters import gaussian_blur2d
from kornia.geometry.transform import get_affine_matrix2d, warp_affine
from torch import Tensor

COLUMNS = 11
"""Random numbers that the view of an image takes."""
ROTATION, SCALE, SHIFT = 12.0, 0.12, 0.08
"""Greatest rotation in degrees, relative change of the size, and displacement as a share of the side."""
CONTRAST, BRIGHTNESS, COLOUR, NOISE = 0.25, 0.2, 0.08, 0.06
"""Greatest relative change of the contrast; greatest change of all values, and of one channel's; greatest standard deviation
of the noise. Images are in -1..1."""


def random_view(images: Tensor, uniform: Tensor, noise: Tensor, blur: float = 0.0) -> Tensor:
    """Rotate, scale, move, blur, brighten and colour images at random, and add noise; nothing is clipped.

    Args:
        images: (N, 3, S, S) in -1..1.
        uniform: Random numbers (N, 11) in 0..1; equal rows change images equally.
        noise: Random numbers (N, 3 * S * S) in 0..1.
        blur: Greatest standard deviation of the Gaussian blur in pixels; each image has its own. 0: none.

    Returns:
        (N, 3, S, S), differentiable with respect to ``images``.
    """
    images = images.float()
    side = images.shape[-1]
    signed = 2 * uniform - 1
    matrix = get_affine_matrix2d(
        translations=SHIFT * side * signed[:, :2],
        center=torch.full_like(signed[:, :2], (side - 1) / 2),
        scale=(1 + SCALE * signed[:, 2:3]).expand(-1, 2),
        angle=ROTATION * signed[:, 3],
    )
    images = warp_affine(images, matrix[:, :2], (side, side), padding_mode="border")
    if blur:
        sigma = (blur * uniform[:, 4:5]).clamp_min(0.05).expand(-1, 2)
        kernel = 2 * int(2 * blur + 0.5) + 1  # two standard deviations to each side
        images = gaussian_blur2d(images, kernel, sigma, border_type="replicate")
    images = adjust_contrast(images, 1 + CONTRAST * signed[:, 5], clip_output=False)
    images = adjust_brightness(images, BRIGHTNESS * signed[:, 6], clip_output=False)
    colour = COLOUR * signed[:, 7:10, None, None]
    deviation = NOISE * uniform[:, 10, None, None, None]
    return images + colour + deviation * 12**0.5 * (noise.view_as(images) - 0.5)
