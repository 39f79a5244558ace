"""Stages, and the run as they see it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

from attrxfer.interfaces.data import Batch, DatasetView, SetName
from attrxfer.interfaces.losses import Adversarial, Change, Enhancer, Identity, Regularizer, TransferStep

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray
    from torch import Tensor, nn
    from torch.optim import Optimizer


class Devices(Protocol):
    """Where tensors are and how many processes share a run.

    Attributes:
        device: Where networks and images are.
        rank: Number of this process, from 0.
        world: Number of processes.
        precision: accelerate's name of the run's mixed precision: "no", "bf16" or "fp16".
        optimizer_name: The kind of the run's optimizers: "adam", "rmsprop" or "sgd".
    """

    device: torch.device
    rank: int
    world: int
    precision: str
    optimizer_name: str

    def place(self, network: nn.Module) -> nn.Module:
        """Move a torch module to the device and the run's memory layout, and make its weights equal in all processes."""
        ...

    def tensor(self, array: NDArray[Any]) -> Tensor:
        """An array as a tensor on the device, which is not waited for: labels of a batch, for example."""
        ...

    def autocast(self) -> AbstractContextManager[None]:
        """A context in which networks run in the run's mixed precision."""
        ...

    def optimizer(self, network: nn.Module, lr: float, betas: tuple[float, float], weight_decay: float = 0.0) -> Optimizer:
        """The run's kind of optimizer (``train.optimizer``, Adam by itself) on the parameters of a module. ``weight_decay``
        of Adam is AdamW's."""
        ...

    def update(self, optimizer: Optimizer, loss: Tensor) -> None:
        """One update: backward pass of a scalar loss, gradients averaged over the processes, a step of the optimizer,
        gradients cleared.

        Every process must call it equally often, and the same parameters must get a gradient, whatever its images are: with a
        loss of 0 where there is nothing to learn. Else the run ends with an error that names the step.
        """
        ...

    def gather(self, tensor: Tensor) -> Tensor:
        """The tensors of all processes, stacked along the first dimension."""
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

    def count(self, which: SetName) -> int:
        """Images of a set in the training split."""
        ...

    def batch(self, which: SetName, index: int, size: int) -> Batch:
        """This process's part of a batch, shuffled and flipped: a pure function of the seed, the stage and the arguments.

        Args:
            which: The set of the training split.
            index: Number of the batch in the stage, from 0.
            size: Images of each process.
        """
        ...

    def transfer(self, source: Tensor, index: int, change: Change | None = None) -> TransferStep:
        """One update of the generator.

        Args:
            source: Images (N, 3, S, S) to transfer.
            index: Number of the update; it seeds the update's random numbers.
            change: What T is asked for, where it is for many attributes; None: every attribute becomes true.
        """
        ...

    def uniform(self, key: str, index: int, size: int, columns: int) -> Tensor:
        """This process's part of random numbers in 0..1 (size, columns): a pure function of the seed, the stage, ``key`` and
        ``index``."""
        ...


class Stage(Protocol):
    """Kind ``stage``: one part of training.

    Its settings are the table ``[train.NAME]``; parameters named ``batch_size``, ``lr`` or ``betas`` that are not set there
    take the value of ``[train]``.

    Optional abilities: ``HasPreview``, ``PlaysAdversarially``, ``ChecksRecipe``.

    Attributes:
        steps: How often ``step`` is called; 0 leaves the stage out. ``prepare`` may lower it.
    """

    steps: int

    def prepare(self, run: Run, owner: Any) -> None:
        """Called once, before the first step and before ``load_state_dict``.

        Args:
            run: The run.
            owner: The component that brings the stage; None where only the recipe's list of stages names it.
        """
        ...

    def step(self, index: int) -> Mapping[str, Tensor]:
        """One update.

        Args:
            index: Number of the step, 0 to ``steps`` - 1.

        Returns:
            Detached scalars by name, for the log.
        """
        ...

    def finish(self) -> None:
        """Called once, after the last step."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """What resuming needs besides the run's networks: tensors, numbers, strings, and lists and dicts of these."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what ``state_dict`` gave."""
        ...
