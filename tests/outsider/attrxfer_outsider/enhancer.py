"""An enhancer whose network is a generator from the registry, and the stage that trains it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor, nn

from attrxfer.interfaces import Generator, Run, Slot


class Refine(nn.Module):
    """(image, source) -> network(image). network: a generator of its own."""

    stages: ClassVar[tuple[tuple[Slot, str], ...]] = (("enhance", "refining"),)

    def __init__(self, *, network: Generator) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor, source: Tensor) -> Tensor:
        return self.network(image)


class Refining:
    """The enhancer learns to leave real images of the guided set as they are."""

    def __init__(
        self, *, steps: int = 10, batch_size: int = 4, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999)
    ) -> None:
        self.steps, self.batch_size, self.lr, self.betas = steps, batch_size, lr, betas

    def prepare(self, run: Run, owner: Any) -> None:
        self.run, self.enhancer = run, owner
        self.optimizer = run.devices.optimizer(owner, self.lr, self.betas)

    def step(self, index: int) -> Mapping[str, Tensor]:
        images = self.run.batch("guided", index, self.batch_size).images
        with self.run.devices.autocast():
            loss = (self.enhancer(images, images) - images).square().mean()
        self.run.devices.update(self.optimizer, loss)
        return {"refined": loss.detach()}

    def finish(self) -> None:
        pass

    def state_dict(self) -> dict[str, Any]:
        return {"optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.optimizer.load_state_dict(state["optimizer"])
