"""How far a result depends on the image, measured on the networks themselves."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from attrxfer.media.tiles import MOST, MULTIPLE
from attrxfer.model.inference import through


def measured_reach(chain: Sequence[nn.Module]) -> int:
    """How far in pixels a result of a chain depends on the image: at most ``MOST``.

    By the gradient of a square of the result, of 16 x 16 pixels, with respect to a random image.

    Args:
        chain: A generator, then enhancers; in eval mode afterwards.
    """
    for network in chain:
        network.eval()
    device = next((parameter.device for network in chain for parameter in network.parameters()), torch.device("cpu"))
    side = 2 * MOST + MULTIPLE
    image = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0)) * 2 - 1
    image = image.to(device).requires_grad_(True)
    middle = slice(MOST, MOST + MULTIPLE)
    with torch.enable_grad():
        (gradient,) = torch.autograd.grad(through(chain, image)[..., middle, middle].abs().sum(), image)
    seen = (gradient != 0).any(1)[0]
    reached = torch.cat([seen.any(0).nonzero(), seen.any(1).nonzero()]).flatten()
    return max(MOST - int(reached.min()), int(reached.max()) - (MOST + MULTIPLE - 1), 0)
