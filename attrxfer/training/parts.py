"""Networks of a method that a stage trains, trained outside a run."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import nn

from attrxfer.data import CachedDataset, make_sets
from attrxfer.interfaces import BringsStages, ChecksData
from attrxfer.plugin.parameters import Spec, build, named, parts
from attrxfer.plugin.registry import Registry
from attrxfer.training.devices import AccelerateDevices
from attrxfer.training.stage_run import StageRun

log = logging.getLogger("attrxfer")
SEED = 0


def train_parts(spec: Spec, built: dict[str, Any], data: CachedDataset, target: Mapping[str, bool], registry: Registry) -> None:
    """Let a method and its components check the data, and run the stages that they bring, with default settings, on the
    training split.

    Args:
        spec: The method.
        built: The components that were built for it, by key.
        data: The data set.
        target: The attributes that results should have.
        registry: The components.
    """
    for component in built.values():
        if isinstance(component, ChecksData):
            component.check_data(data)
    for part in _all(spec):
        component = part.component.load()
        if isinstance(component, BringsStages):
            for _, name in component.stages:
                with TemporaryDirectory() as folder:
                    _train(name, build(part, built), data, target, registry, Path(folder))


def _all(spec: Spec) -> Iterator[Spec]:
    for part in parts(spec):
        yield part
        yield from _all(part)


def _train(name: str, owner: Any, data: CachedDataset, target: Mapping[str, bool], registry: Registry, folder: Path) -> None:
    devices = AccelerateDevices(precision="auto", channels_last=True, threads=0, trackers=(), folder=folder)
    nothing: Any = None  # such a stage trains its owner only
    run = StageRun(
        stage=name, seed=SEED, flip=True, data=data, sets=make_sets(data, target, None, 0, SEED), generator=nn.Identity(),
        discriminator=nn.Identity(), adversarial=nothing, identity=(), regularizer=(), enhancer=(), devices=devices,
        guided=target,
    )  # fmt: skip
    stage = build(named("stage", name, registry, size=data.images_u8(data.rows("train", None)[:1]).shape[1]), {})
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        stage.prepare(run, owner)
        if stage.steps:
            log.info("%s: %d steps", name, stage.steps)
            owner.train()
            for index in range(stage.steps):
                stage.step(index)
            stage.finish()
    owner.eval().cpu()
    devices.close()
