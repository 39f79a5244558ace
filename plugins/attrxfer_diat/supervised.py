"""What the stages that train one network by one loss share."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field
from safetensors.torch import load_file, save
from torch import nn

from attrxfer.interfaces import Run
from attrxfer.storage.cache import cache_folder
from attrxfer.storage.files import write_bytes

Steps = Annotated[int, Field(ge=0)]
LearningRate = Annotated[float, Field(gt=0)]
Betas = tuple[float, float]
Positive = Annotated[int, Field(ge=1)]


class Supervised:
    """One network, one Adam, batches of images."""

    def __init__(
        self, *, steps: Steps, batch_size: Positive = 16, lr: LearningRate = 2e-4, betas: Betas = (0.5, 0.999)
    ) -> None:
        self.steps = steps
        self.batch_size = batch_size
        self.lr = lr
        self.betas = betas

    def attach(self, run: Run, network: nn.Module) -> None:
        self.run = run
        self.network = network
        self.optimizer = run.devices.optimizer(network, self.lr, self.betas)

    def finish(self) -> None:
        """Nothing to do: the network was trained in place."""

    def state_dict(self) -> dict[str, Any]:
        return {"optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.optimizer.load_state_dict(state["optimizer"])


class Kept(Supervised):
    """A stage whose result depends on the data and the settings alone, not on the task: it is trained once and kept in the
    cache by a hash of the images and their labels, the first batch (order, flips), every plain value the stage holds when
    it attaches, and all weights it begins with. The network is trainable only inside.
    """

    def attach(self, run: Run, network: nn.Module, *fixed: nn.Module) -> None:
        """``fixed``: other networks that the result depends on."""
        settings = {name: value for name, value in vars(self).items() if isinstance(value, int | float | str | tuple)}
        super().attach(run, network.requires_grad_(True))
        settings |= {"stage": type(self).__name__, "data": run.data.key, "seed": run.seed}
        settings |= {"world": run.devices.world, "precision": run.devices.precision}
        key = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
        first = run.batch("all", 0, self.batch_size)
        records = run.data.records
        labels = [records.split, records.identity, *(records.attributes[name] for name in sorted(records.attributes))]
        for array in (run.data.usable, first.rows, first.mirrored, *labels):
            key.update(b"" if array is None else array.tobytes())
        for module in (network, *fixed):
            key.update(_weights(module))
        self.kept: Path = cache_folder() / "networks" / f"{key.hexdigest()[:32]}.safetensors"
        if self.kept.is_file():
            network.load_state_dict(load_file(self.kept))
            network.requires_grad_(False)
            self.steps = 0

    def finish(self) -> None:
        self.network.requires_grad_(False)
        if self.run.devices.rank == 0:
            write_bytes(self.kept, _weights(self.network))

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "kept": self.kept.name}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.kept = self.kept.with_name(state["kept"])  # of the weights it began with, not of those it resumes from


def _weights(module: nn.Module) -> bytes:
    """A network's state as safetensors keep it."""
    return save({name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()})
