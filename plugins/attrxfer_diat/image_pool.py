"""Generated images of earlier iterations, which the discriminator sees again."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class ImagePool:
    """The generated batches of the last iterations.

    A row of a batch is replaced only by the same row of an earlier batch. So each process needs only its own rows.

    Args:
        size: Number of batches that are kept; 0 keeps none.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.batches: list[Tensor] = []

    def mix(self, fake: Tensor, uniform: Tensor) -> Tensor:
        """Replace about half of a batch by images of earlier iterations.

        Args:
            fake: This iteration's generated images (N, 3, S, S).
            uniform: Random numbers (N, 2) in 0..1: whether a row is replaced, and by which batch's row.

        Returns:
            Images (N, 3, S, S); ``fake`` itself while the pool is empty.
        """
        if not self.batches:
            return fake
        chosen = (uniform[:, 1] * len(self.batches)).long().clamp_max(len(self.batches) - 1)
        old = torch.stack([self.batches[int(number)][row] for row, number in enumerate(chosen)])
        return torch.where((uniform[:, 0] < 0.5).view(-1, 1, 1, 1), old, fake)

    def add(self, fake: Tensor) -> None:
        """Store a batch; a full pool drops its oldest one."""
        self.batches = [*self.batches, fake][-self.size :] if self.size else []

    def state_dict(self) -> dict[str, Any]:
        """The batches, oldest first."""
        return {"batches": list(self.batches)}

    def load_state_dict(self, state: dict[str, Any], device: torch.device) -> None:
        """Restore the batches of ``state_dict`` on a device."""
        self.batches = [batch.to(device) for batch in state["batches"]]
