"""Devices, precision, processes and trackers: the only module that imports accelerate."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.optimizer import AcceleratedOptimizer
from accelerate.state import AcceleratorState
from accelerate.tracking import LOGGER_TYPE_TO_CLASS, get_available_trackers
from accelerate.utils import InitProcessGroupKwargs, broadcast
from numpy.typing import NDArray
from torch import Tensor, nn

from attrxfer.errors import AttrxferError, Problem, did_you_mean
from attrxfer.model.inference import has_bfloat16
from attrxfer.storage.conversion import normalize
from attrxfer.training.processes import PATIENCE, Processes

OptimizerName = Literal["adam", "rmsprop", "sgd"]
Precision = Literal["auto", "no", "bf16", "fp16"]
WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"
"""The environment variable without which cuBLAS may sum in any order."""


class AccelerateDevices:
    """The implementation of ``interfaces.Devices``.

    Gradients are averaged in one call after the backward pass, which gives the same as DistributedDataParallel. That fails
    where D is frozen, or where another method of a network than ``forward`` is called.

    Args:
        precision: accelerate's mixed precision, or "auto": bf16 where the machine calculates in it.
        channels_last: Memory layout of networks and images.
        threads: Of the processor; 0 keeps torch's own number.
        trackers: accelerate's trackers, by name.
        folder: Where trackers write.
        optimizer: The kind of all optimizers.
        deterministic: Whether torch takes its deterministic algorithms.

    Attributes:
        processes: The processes that share the run.

    Raises:
        AttrxferError: The launcher's processes do not know of each other, or fp16 is asked for without a GPU.
    """

    def __init__(
        self,
        *,
        precision: Precision,
        channels_last: bool,
        threads: int,
        trackers: Sequence[str],
        folder: Path,
        optimizer: OptimizerName = "adam",
        deterministic: bool = False,
    ) -> None:
        refuse_silent_launch()
        precision = resolved(precision)
        choose_algorithms(precision, deterministic)
        if threads:
            torch.set_num_threads(threads)
        names: list[Any] = list(trackers)
        # accelerate refuses another precision than the first one of a Python process, and has no public way to reset it
        AcceleratorState._reset_state()
        # without cpu=True accelerate ignores torchrun on a machine that has no accelerator
        self.accelerator = Accelerator(
            mixed_precision=precision,
            log_with=names or None,
            project_dir=str(folder),
            cpu=not torch.accelerator.is_available(),
            kwargs_handlers=[InitProcessGroupKwargs(timeout=PATIENCE)],
        )
        self.channels_last = channels_last
        self.precision: str = precision
        self.optimizer_name: str = optimizer
        self.device: torch.device = self.accelerator.device
        self.rank: int = self.accelerator.process_index
        self.world: int = self.accelerator.num_processes
        promised = int(os.environ.get("WORLD_SIZE", "1"))
        if promised != self.world:
            raise AttrxferError(f"the launcher started {promised} processes, but each runs as one of {self.world}")
        self.processes = Processes(self.rank, self.world)
        if names:
            self.accelerator.init_trackers("attrxfer")

    @property
    def main(self) -> bool:
        """True in the process that writes files and prints."""
        return self.rank == 0

    def place(self, network: nn.Module) -> nn.Module:
        layout = torch.channels_last if self.channels_last else torch.contiguous_format
        network = network.to(self.device, memory_format=layout)  # type: ignore[call-overload]
        if self.world > 1:
            for tensor in [*network.parameters(), *network.buffers()]:
                tensor.data.copy_(broadcast(tensor.data.contiguous()))
        return network

    def share_buffers(self, networks: Iterable[nn.Module]) -> None:
        """Give all processes the first one's buffers, which are the running statistics of batch normalisation: each computes
        them from its own images, a checkpoint has those of the first, and a resumed run must be as one that was not stopped."""
        if self.world == 1:
            return
        buffers = [buffer for network in networks for buffer in network.buffers() if buffer.is_floating_point()]
        if not buffers:
            return
        shared = broadcast(torch.cat([buffer.flatten() for buffer in buffers]))
        for buffer, part in zip(buffers, shared.split([buffer.numel() for buffer in buffers]), strict=True):
            buffer.copy_(part.view_as(buffer))

    def tensor(self, array: NDArray[Any]) -> Tensor:
        """An array as a tensor on the device. A GPU is not waited for: it fetches the numbers itself, from pinned memory."""
        made = torch.from_numpy(np.require(array, requirements=["C", "W"]))
        if self.device.type == "cuda":
            made = made.pin_memory()
        return made.to(self.device, non_blocking=True)

    def images(self, images_u8: NDArray[np.uint8]) -> Tensor:
        """Images uint8 (N, S, S, 3) as a tensor (N, 3, S, S) in -1..1 on the device, in the run's memory layout. They are sent
        as uint8, in a quarter of the bytes."""
        layout = torch.channels_last if self.channels_last else torch.contiguous_format
        return normalize(self.tensor(images_u8)).contiguous(memory_format=layout)

    def autocast(self) -> AbstractContextManager[None]:
        return self.accelerator.autocast()

    def optimizer(self, network: nn.Module, lr: float, betas: tuple[float, float], weight_decay: float = 0.0) -> Any:
        made = self._optimizer([*network.parameters()], lr, betas, weight_decay)
        made.register_load_state_dict_post_hook(_restore_layout)
        # what Accelerator.prepare_optimizer makes, but that keeps every optimizer until the run ends
        return AcceleratedOptimizer(made, scaler=self.accelerator.scaler)

    def _optimizer(
        self, parameters: list[nn.Parameter], lr: float, betas: tuple[float, float], weight_decay: float
    ) -> torch.optim.Optimizer:
        momentum, decay = betas
        if self.optimizer_name == "sgd":
            return torch.optim.SGD(parameters, lr=lr, momentum=momentum, weight_decay=weight_decay)
        if self.optimizer_name == "rmsprop":
            return torch.optim.RMSprop(parameters, lr=lr, alpha=decay, momentum=momentum, weight_decay=weight_decay)
        return torch.optim.AdamW(parameters, lr=lr, betas=betas, weight_decay=weight_decay, fused=True)

    def update(self, optimizer: Any, loss: Tensor) -> None:
        self.accelerator.backward(loss)  # in fp16 this scales the loss, and step() divides the gradients again
        if self.world > 1:
            self._average([p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None])
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    def _average(self, gradients: list[Tensor]) -> None:
        self.processes.will_update(sum(gradient.numel() for gradient in gradients))
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        mean: Any = self.accelerator.reduce(flat, reduction="mean")
        for gradient, part in zip(gradients, mean.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(part.view_as(gradient))

    def gather(self, tensor: Tensor) -> Tensor:
        """The tensors of all processes, stacked along the first dimension."""
        gathered: Any = self.accelerator.gather(tensor.contiguous())
        return gathered

    def state_dict(self) -> dict[str, Any]:
        """What resuming needs: the scale of fp16's losses, which is the same in all processes."""
        scaler = self.accelerator.scaler
        return {} if scaler is None else {"scaler": scaler.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what ``state_dict`` gave."""
        if self.accelerator.scaler is not None and "scaler" in state:
            self.accelerator.scaler.load_state_dict(state["scaler"])

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Send scalars to the recipe's trackers."""
        self.accelerator.log(dict(values), step=step)

    def finish(self) -> None:
        """Wait until the device has done its work, so that its time can be measured."""
        if self.device.type != "cpu":
            torch.accelerator.synchronize(self.device)

    def wait(self) -> None:
        """Wait until every process has called this."""
        self.accelerator.wait_for_everyone()

    def close(self) -> None:
        self.accelerator.end_training()


def resolved(precision: Precision) -> Literal["no", "bf16", "fp16"]:
    """The precision that "auto" stands for: bf16 where the machine has units for it (``has_bfloat16``), else "no", since bf16
    is slower there.

    Raises:
        AttrxferError: fp16 on a processor, which torch cannot train in.
    """
    if precision == "fp16" and not torch.accelerator.is_available():
        raise AttrxferError('train.precision: fp16 needs a GPU, and there is none here; "auto" takes what this machine has')
    if precision != "auto":
        return precision
    return "bf16" if has_bfloat16() else "no"


def choose_algorithms(precision: str, deterministic: bool) -> None:
    """Set, for the whole Python process, how torch calculates.

    TF32 rounds what a GPU multiplies to 10 bits; it is off where the precision is "no", which stands for float32. cuDNN tries
    its algorithms for each size of the maps, and sizes do not change in training; that may choose another one in another run.

    Args:
        precision: "no", "bf16" or "fp16".
        deterministic: Whether torch takes algorithms that give the same bits each time. Where it has none for an operation, it
            says so in a warning and takes another one.
    """
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision != "no"
    torch.backends.cudnn.benchmark = not deterministic
    if deterministic:
        os.environ.setdefault(WORKSPACE, ":4096:8")
    torch.use_deterministic_algorithms(deterministic, warn_only=True)


def _restore_layout(adam: torch.optim.Optimizer) -> None:
    """Give Adam's moments the memory layout of their parameters: fused Adam ignores strides, checkpoints keep the contiguous
    layout, and parameters may be channels last."""
    for parameter, moments in adam.state.items():
        for name, value in moments.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                moments[name] = torch.empty_like(parameter).copy_(value)


def unknown_trackers(names: Sequence[str]) -> list[Problem]:
    """Problems of trackers that accelerate does not know, each with the nearest name."""
    known = sorted(LOGGER_TYPE_TO_CLASS)
    return [Problem("train.trackers", f'no tracker "{name}"{did_you_mean(name, known)}') for name in names if name not in known]


def missing_trackers(names: Sequence[str]) -> list[str]:
    """The trackers whose package is not installed, each with the command that installs it."""
    installed = {str(tracker) for tracker in get_available_trackers()}
    remedies = {"tensorboard": "pip install 'attrxfer[track]'"}
    return [
        f"tracker {name}: {remedies.get(name, f'pip install {name}')}"
        for name in names
        if name in LOGGER_TYPE_TO_CLASS and name not in installed
    ]


def refuse_silent_launch() -> None:
    """Refuse ``accelerate launch --cpu --num_processes N``, which starts processes that are each rank 0 of 1.

    Raises:
        AttrxferError: It was used.
    """
    on_cpu = os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("true", "1")
    if on_cpu and "MASTER_PORT" in os.environ and "WORLD_SIZE" not in os.environ:
        raise AttrxferError(
            "accelerate launch --cpu starts processes that do not know of each other (each is rank 0 of 1); "
            "use: torchrun --nproc_per_node 2 -m attrxfer run ..."
        )
