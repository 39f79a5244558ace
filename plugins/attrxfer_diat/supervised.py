"""Base of the stages that train one network with one loss."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field
from torch import Tensor, nn

from attrxfer.errors import Problem
from attrxfer.interfaces import RecipeView, Run

Steps = Annotated[int, Field(ge=0)]
LearningRate = Annotated[float, Field(gt=0)]
Beta = Annotated[float, Field(ge=0, lt=1)]
Betas = tuple[Beta, Beta]
Positive = Annotated[int, Field(ge=1)]
AtLeastTwo = Annotated[int, Field(ge=2)]
"""Images in a batch where a network normalises vectors over the batch."""
Sum = Literal["paper", "mean"]
"""How a squared norm is taken: "paper" sums over an image and averages over the batch, "mean" averages over all values."""


def squared(difference: Tensor, scale: Sum) -> Tensor:
    """The squared norm of ``difference`` (N, C, H, W), averaged over the batch: a scalar in float32."""
    error = difference.float().square()
    return error.sum((1, 2, 3)).mean() if scale == "paper" else error.mean()


def without_owner(stage: object, recipe: RecipeView, owner: str) -> Iterator[Problem]:
    """The problem of a stage that only the recipe's list of stages names, though it trains a part of ``owner``."""
    if recipe.owner(stage) is None:
        yield Problem("", f"this stage trains {owner}, which the recipe does not have; take it out of stages")


class Supervised:
    """One network, one Adam optimizer (AdamW with ``weight_decay``), batches of images.

    Args:
        steps: Number of updates; 0 leaves the stage out.
        batch_size: Images in a batch.
        lr: Learning rate of Adam.
        betas: Adam's two decay rates.
        weight_decay: Weight decay of AdamW; 0 for Adam.
    """

    def __init__(
        self,
        *,
        steps: Steps,
        batch_size: Positive = 16,
        lr: LearningRate = 2e-4,
        betas: Betas = (0.5, 0.999),
        weight_decay: float = 0.0,
    ) -> None:
        self.steps = steps
        self.batch_size = batch_size
        self.lr = lr
        self.betas = betas
        self.weight_decay = weight_decay

    def attach(self, run: Run, network: nn.Module) -> None:
        """Prepare training ``network`` in this run."""
        self.run = run
        self.network = network
        self.optimizer = run.devices.optimizer(network, self.lr, self.betas, self.weight_decay)

    def finish(self) -> None:
        """Do nothing: the network was trained in place."""

    def state_dict(self) -> dict[str, Any]:
        return {"optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.optimizer.load_state_dict(state["optimizer"])
