"""Stages whose result depends on the data and the settings only: trained once, then read from the cache."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import torch
from safetensors.torch import load_file, save
from torch import nn

from attrxfer.data import labels_key
from attrxfer.interfaces import Run
from attrxfer.storage.cache import cached, find
from attrxfer_diat.supervised import Supervised


class CachedStage(Supervised):
    """A supervised stage whose result does not depend on the task.

    Its network is stored in the cache. The key is a hash of the images and their labels, the first batch (order, flips),
    the stage's settings, and all networks that take part: their settings and the weights that training begins with. Where the
    cache of the first process has the network, all processes take it, and the stage takes no steps. The network is trainable
    only while the stage runs.
    """

    def attach(self, run: Run, network: nn.Module, *fixed: nn.Module) -> None:
        """Prepare training, or read the trained network from the cache.

        Args:
            run: The run.
            network: What is trained.
            fixed: Other networks that the result depends on.
        """
        settings = plain_values(vars(self))
        super().attach(run, network.requires_grad_(True))
        self.cache_key = f"networks/{self._hash(run, settings, (network, *fixed))}.safetensors"
        # the first process looks for all: other machines may have another cache, and its key is of its own first batch
        path = find(self.cache_key) if run.devices.rank == 0 else None
        found = run.devices.gather(torch.tensor([float(path is not None)], device=run.devices.device))
        if bool(found[0] > 0):
            if path is not None:
                network.load_state_dict(load_file(path))
            run.devices.place(network).requires_grad_(False)
            self.steps = 0

    def _hash(self, run: Run, settings: dict[str, Any], networks: tuple[nn.Module, ...]) -> str:
        settings |= {"stage": type(self).__name__, "data": run.data.key, "seed": run.seed}
        devices = run.devices
        settings |= {"world": devices.world, "precision": devices.precision, "optimizer": devices.optimizer_name}
        digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
        first = run.batch("all", 0, self.batch_size)
        digest.update(labels_key(run.data.records, run.data.usable).encode() + first.rows.tobytes() + first.mirrored.tobytes())
        for network in networks:
            for name, module in network.named_modules():
                described = [name, type(module).__qualname__, plain_values(vars(module))]
                digest.update(json.dumps(described, sort_keys=True).encode())
            for name, buffer in network.named_buffers():  # also those that are not saved with the weights
                digest.update(name.encode() + buffer.detach().cpu().numpy().tobytes())
            digest.update(_weights(network))
        return digest.hexdigest()[:32]

    def finish(self) -> None:
        """Freeze the network and store it in the cache."""
        self.network.requires_grad_(False)
        if self.run.devices.rank == 0:
            cached(self.cache_key, lambda: _weights(self.network))

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "cache_key": self.cache_key}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.cache_key = state["cache_key"]  # the key of the weights that training began with


def plain_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of an object's attributes that JSON can hold, which is what its settings are; no private ones, and not the mode."""
    return {name: value for name, value in values.items() if name[0] != "_" and name != "training" and _is_plain(value)}


def _is_plain(value: object) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(one) for key, one in value.items())
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int | float | str)


def _weights(module: nn.Module) -> bytes:
    """A network's state as safetensors."""
    return save({name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()})
