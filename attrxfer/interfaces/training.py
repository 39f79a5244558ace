"""Stages, and the run as they see it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

from attrxfer.interfaces.data import Batch, DatasetView, SetName
from attrxfer.interfaces.losses import Adversarial, Enhancer, Identity, Regularizer, TransferStep

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn
    from torch.optim import Optimizer


class Devices(Protocol):
    """Where tensors live and how many processes share a run; the engine implements it on accelerate."""

    device: torch.device
    rank: int
    world: int
    precision: str
    """accelerate's name of the run's mixed precision: "no", "bf16" or "fp16"."""

    def place(self, network: nn.Module) -> nn.Module:
        """Move a torch module to the device and its memory format; equal weights in every process."""
        ...

    def autocast(self) -> AbstractContextManager[None]:
        """The run's mixed precision."""
        ...

    def optimizer(self, network: nn.Module, lr: float, betas: tuple[float, float], weight_decay: float = 0.0) -> Optimizer:
        """Adam on the parameters of a module; AdamW where ``weight_decay`` is above 0."""
        ...

    def update(self, optimizer: Optimizer, loss: Tensor) -> None:
        """Backward, average gradients over the processes, step, forget the gradients."""
        ...


class Run(Protocol):
    """A run as a stage sees it: its components, built and placed, and its data."""

    @property
    def generator(self) -> nn.Module:
        """T, a torch module."""
        ...

    @property
    def discriminator(self) -> nn.Module:
        """D, a torch module."""
        ...

    @property
    def adversarial(self) -> Adversarial: ...

    @property
    def identity(self) -> tuple[Identity, ...]: ...

    @property
    def regularizer(self) -> tuple[Regularizer, ...]: ...

    @property
    def enhancer(self) -> tuple[Enhancer, ...]: ...

    @property
    def devices(self) -> Devices: ...

    @property
    def data(self) -> DatasetView:
        """The opened data set."""
        ...

    @property
    def seed(self) -> int:
        """The run's seed."""
        ...

    def batch(self, which: SetName, index: int, size: int) -> Batch:
        """This process's slice (``size`` images) of the stage's batch number ``index`` from that set: a pure function
        of (seed, stage, set, index, rank), flipped and shuffled."""
        ...

    def transfer(self, source: Tensor, index: int) -> TransferStep:
        """One update of the generator on these images; ``index`` draws D's augmentation."""
        ...

    def uniform(self, key: str, index: int, size: int, columns: int) -> Tensor:
        """This process's slice of random numbers in 0..1, (size, columns): a pure function of (seed, stage, key, index)."""
        ...


class Stage(Protocol):
    """Kind ``stage``: one part of training. Settings come from ``[train.NAME]``; parameters named ``batch``, ``rate`` or
    ``betas`` fall back to ``[train]``. ``step`` is called with 0, 1, ... ``steps`` - 1 and returns named scalars.

    It may offer ``preview(images) -> images``, or several by name, which the engine draws into the report's sample grids.
    A stage that plays T against D names D's losses in ``discriminator_terms``; then the engine watches for what usually
    goes wrong there (``engine/health.py``), in these losses and in the previews.
    """

    steps: int

    def prepare(self, run: Run, owner: Any) -> None:
        """Once, before the first step or before ``load_state_dict``. ``owner`` is the component that brought the stage."""
        ...

    def step(self, index: int) -> Mapping[str, Tensor]: ...

    def finish(self) -> None:
        """Once, after the last step."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """All that resuming needs beyond the run's networks: tensors, numbers, strings, lists and dicts of these."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None: ...
