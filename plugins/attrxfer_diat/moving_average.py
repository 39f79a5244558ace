"""The moving average of a network's weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

Tensors = tuple[Tensor, ...] | list[Tensor]


class MovingAverage(AveragedModel):
    """Exponential moving average of a network's parameters; buffers (batch statistics) are copied.

    Update i (from 0) keeps min(decay, (i + 1) / (i + 10)) of the average, so that the first weights fade quickly. It is
    frozen and in eval mode.

    Args:
        network: What is averaged; its present weights are the first of the average.
        decay: Share of the average that an update keeps after the warm-up, in 0..1; 0 follows the network itself.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        super().__init__(network, multi_avg_fn=self._update)
        self.decay = decay
        assert isinstance(self.n_averaged, Tensor)
        self.n_averaged.fill_(1)  # at 0 torch would put the network's weights after its first update in their place
        self.requires_grad_(False).eval()

    def _update(self, average: Tensors, current: Tensors, n_averaged: Tensor | int) -> None:
        count = int(self.n_averaged)  # on the processor; the argument is a copy on the parameters' device
        decay = min(self.decay, count / (count + 9))
        torch._foreach_lerp_(average, current, 1 - decay)
