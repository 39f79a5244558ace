"""Generated images of earlier iterations, which the discriminator sees again."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class ImagePool:
    """The generated batches of the last iterations.

    A row of a batch is replaced only by the same row of an earlier batch. So each process needs only its own rows. They are
    drawn where the images are: a GPU is not waited for.

    Args:
        size: Number of batches that are kept; 0 keeps none.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.count = 0
        self._kept: Tensor | None = None
        self._next = 0

    def mix(self, fake: Tensor, uniform: Tensor) -> Tensor:
        """Replace about half of a batch by images of earlier iterations.

        Args:
            fake: This iteration's generated images (N, 3, S, S).
            uniform: Random numbers (N, 2) in 0..1: whether a row is replaced, and by which batch's row.

        Returns:
            Images (N, 3, S, S); ``fake`` itself while the pool is empty.
        """
        if self._kept is None:
            return fake
        age = (uniform[:, 1] * self.count).long().clamp_max(self.count - 1)  # 0 is the oldest
        old = self._kept[(self._next - self.count + age) % self.size, torch.arange(len(fake), device=fake.device)]
        return torch.where((uniform[:, 0] >= 0.5).view(-1, 1, 1, 1), fake, old)

    def add(self, fake: Tensor) -> None:
        """Store a batch; a full pool drops its oldest one."""
        if not self.size:
            return
        if self._kept is None:
            self._kept = fake.new_empty(self.size, *fake.shape)
        self._kept[self._next] = fake
        self._next = (self._next + 1) % self.size
        self.count = min(self.count + 1, self.size)

    def state_dict(self) -> dict[str, Any]:
        """The batches, oldest first."""
        if self._kept is None:
            return {"batches": []}
        return {"batches": [self._kept[(self._next - self.count + age) % self.size] for age in range(self.count)]}

    def load_state_dict(self, state: dict[str, Any], device: torch.device) -> None:
        """Restore the batches of ``state_dict`` on a device."""
        self._kept, self._next, self.count = None, 0, 0
        for batch in state["batches"]:
            self.add(batch.to(device))
