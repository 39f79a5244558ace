"""The moving average of a network's weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

Tensors = tuple[Tensor, ...] | list[Tensor]


class MovingAverage(AveragedModel):
    """Exponential moving average of a network's parameters; buffers (batch statistics) are copied.

    Update i (from 0) keeps the share min(decay, (i + 1) / (i + 10)) of the average, so that early weights soon count little.
    The averaged network is frozen and in eval mode.

    Args:
        network: The network to average; the average starts at its present weights.
        decay: Share of the average that an update keeps after the warm-up, in 0..1; at 0 the average equals the network.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        super().__init__(network, multi_avg_fn=self._update)
        self.decay = decay
        assert isinstance(self.n_averaged, Tensor)
        self.n_averaged.fill_(1)  # at 0 torch would replace the average by the network's weights in the first update
        self.requires_grad_(False).eval()

    def _update(self, average: Tensors, current: Tensors, n_averaged: Tensor | int) -> None:
        count = int(self.n_averaged)  # on the CPU; the argument is a copy on the parameters' device
        decay = min(self.decay, count / (count + 9))
        torch._foreach_lerp_(average, current, 1 - decay)
