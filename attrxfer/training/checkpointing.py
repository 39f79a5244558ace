"""Checkpoints of a run: written while it trains, read when it is resumed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from torch import nn

from attrxfer.errors import AttrxferError, BundleError
from attrxfer.storage import state
from attrxfer.storage.run_folder import RunFolder
from attrxfer.training.devices import AccelerateDevices
from attrxfer.training.logging import Metrics


class Position(NamedTuple):
    """Where a run stands.

    Attributes:
        stage: Number of the stage that is next or running, from 0.
        step: How many of its steps are done.
        state: This process's own state of the stage; None before its first step.
    """

    stage: int
    step: int
    state: Any


class Checkpoints:
    """Saves and restores a run.

    Args:
        folder: The run's folder.
        networks: All networks of the run, by key.
        stages: Keys of the run's stages, in their order.
        devices: The processes that share the run.
        metrics: Writes metrics.jsonl, whose lines after the checkpoint are removed on resume.
    """

    def __init__(
        self,
        folder: RunFolder,
        networks: Mapping[str, nn.Module],
        stages: Sequence[str],
        devices: AccelerateDevices,
        metrics: Metrics,
    ) -> None:
        self.folder, self.networks, self.stages, self.devices, self.metrics = folder, networks, stages, devices, metrics

    def save(self, position: Position) -> None:
        """Write a checkpoint: the networks, the position, and each process's own state of the stage."""
        self._write(position, self.folder.checkpoints)

    def keep_end(self, key: str, position: Position) -> None:
        """Keep the last state of a stage beside the checkpoints, so that the stage can be lengthened after the run's end."""
        self._write(position, self.folder.ends / key)

    def _write(self, position: Position, place: Path) -> None:
        states = self.devices.processes.first(position.state)
        if self.devices.main:
            self.metrics.flush()
            content = {
                "stage": position.stage,
                "step": position.step,
                "states": states,
                "networks": {name: network.state_dict() for name, network in self.networks.items()},
                "devices": self.devices.state_dict(),
            }
            state.save(place, f"{position.stage:02d}-{position.step:08d}", content)
        self.devices.wait()

    def restore(self) -> Position:
        """Load the newest checkpoint into the networks.

        Returns:
            Its position; the first stage where there is no checkpoint.

        Raises:
            AttrxferError: The run was started with another number of processes.
            BundleError: The checkpoint was changed, or holds other networks than the recipe.
        """
        content = state.load(self.folder.checkpoints)
        if content is None:
            if self.devices.main:
                self.metrics.rewind(self.stages, 0, 0)
            return Position(0, 0, None)
        started = len(content["states"])
        if started != self.devices.world:
            raise AttrxferError(
                f"{self.folder.path}: started with {started} processes, resumed with {self.devices.world}; "
                f"use torchrun --nproc_per_node {started} -m attrxfer run --resume {self.folder.path}"
            )
        if content["networks"].keys() != self.networks.keys():
            raise BundleError(f"{self.folder.checkpoints}: holds other networks than the run's recipe.toml; was that edited?")
        for name, saved in content["networks"].items():
            self.networks[name].load_state_dict(saved)
        self.devices.load_state_dict(content.get("devices", {}))
        if self.devices.main:
            self.metrics.rewind(self.stages, content["stage"], content["step"])
        return Position(content["stage"], content["step"], content["states"][self.devices.rank])
