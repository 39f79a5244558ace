from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field
from torch import Tensor

from attrxfer.interfaces import Run


class Settle:
    """T learns to leave images of the guided set as they are. A recipe names it in ``stages``."""

    def __init__(
        self,
        *,
        steps: Annotated[int, Field(ge=0)] = 100,
        batch_size: Annotated[int, Field(ge=1)] = 16,
        lr: Annotated[float, Field(gt=0)] = 2e-4,
        betas: tuple[float, float] = (0.9, 0.999),
    ) -> None:
        self.steps, self.batch_size, self.lr, self.betas = steps, batch_size, lr, betas

    def prepare(self, run: Run, owner: Any) -> None:
        self.run = run
        self.optimizer = run.devices.optimizer(run.generator, self.lr, self.betas)

    def step(self, index: int) -> Mapping[str, Tensor]:
        images = self.run.batch("guided", index, self.batch_size).images
        with self.run.devices.autocast():
            loss = (self.run.generator(images) - images).square().mean()
        self.run.devices.update(self.optimizer, loss)
        return {"settle": loss.detach()}

    def finish(self) -> None:
        pass

    def state_dict(self) -> dict[str, Any]:
        return {"optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.optimizer.load_state_dict(state["optimizer"])
