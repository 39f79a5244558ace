"""Processes that share a run: what they tell each other, and how they end where they would wait for each other forever."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from attrxfer_diat.cached_stage import CachedStage
from attrxfer_diat.enhancer import LocalEnhancer, TrainLocalEnhancer
from safetensors.torch import load_file
from torch import Tensor, nn

from attrxfer.errors import Interrupted
from attrxfer.interfaces import Batch
from attrxfer.plugin.host import Host
from attrxfer.recipe import Recipe
from attrxfer.storage.run_folder import RunFolder
from attrxfer.testing.fakes import a_run, tiny_data
from attrxfer.training.devices import AccelerateDevices
from attrxfer.training.loop import Training
from tests.training.two_processes import in_two_processes

pytestmark = pytest.mark.slow


def test_states_come_to_the_first_process_only(tmp_path: Path) -> None:
    def task(devices: AccelerateDevices) -> Any:
        states = devices.processes.first({"rank": devices.rank, "pool": [torch.full((2,), float(devices.rank))]})
        return [(state["rank"], state["pool"][0].tolist(), state["pool"][0].device.type) for state in states]

    assert in_two_processes(task, tmp_path) == [[(0, [0, 0], "cpu"), (1, [1, 1], "cpu")], []]


def test_a_wish_to_stop_is_everybodys(tmp_path: Path) -> None:
    def task(devices: AccelerateDevices) -> Any:
        return [devices.processes.any(devices.rank == 1), devices.processes.any(False)]

    assert in_two_processes(task, tmp_path) == [[True, False]] * 2


class Linear:
    """A stage on one linear layer; ``updates`` says by rank how many parts of the layer are updated in a step."""

    def __init__(self, devices: AccelerateDevices) -> None:
        torch.manual_seed(devices.rank)
        self.devices = devices
        self.layer = devices.place(nn.Linear(2, 1))
        self.optimizer = devices.optimizer(self.layer, 0.1, (0.5, 0.9))

    def update(self, value: float, *, bias: bool = True) -> None:
        images = torch.full((1, 2), value)
        made = self.layer(images) if bias else images * self.layer.get_parameter("weight")
        self.devices.update(self.optimizer, made.sum())

    @property
    def weights(self) -> list[float]:
        return [number for parameter in self.layer.parameters() for number in parameter.detach().flatten().tolist()]


def test_gradients_are_averaged_and_weights_stay_equal(tmp_path: Path) -> None:
    def task(devices: AccelerateDevices) -> Any:
        stage = Linear(devices)
        with devices.processes.step("enhance, step 0"):
            stage.update(float(devices.rank))
            devices.processes.will_return(1)
        return stage.weights

    one, other = in_two_processes(task, tmp_path)
    assert one == other and len(one) == 3


def test_running_statistics_become_those_of_the_first_process(tmp_path: Path) -> None:
    """A checkpoint has the first process's: a resumed run would have others than one that was not stopped."""

    def task(devices: AccelerateDevices) -> Any:
        networks = [devices.place(nn.BatchNorm2d(2)) for _ in range(2)]
        for network in networks:
            network(torch.randn(4, 2, 3, 3, generator=torch.Generator().manual_seed(devices.rank)) + devices.rank)
        own = [network.get_buffer("running_mean").tolist() for network in networks]
        devices.share_buffers(networks)
        return own, [network.get_buffer("running_mean").tolist() for network in networks]

    (first, shared), (second, also) = in_two_processes(task, tmp_path)
    assert first != second and shared == also == first


def test_a_run_of_two_processes_can_be_stopped(tmp_path: Path, tiny: Callable[..., Recipe], host: Host) -> None:
    """With batch normalisation and Dropout's own random numbers, it ends with the weights of one that was not stopped."""
    made = tiny("train.adversarial.steps=4", "generator.norm=batch")

    def task(devices: AccelerateDevices) -> Any:
        def training(name: str) -> Training:
            one = Training(made, RunFolder(tmp_path / name), host, quiet=True)
            one.create_folder()
            return one

        def stop(stage: object, key: str, done: int) -> None:
            if key == "adversarial" and done == 2:
                os.kill(os.getpid(), signal.SIGTERM)

        training("whole").train()
        stopped = training("stopped")
        stopped.watch = stop
        with pytest.raises(Interrupted):
            stopped.train()
        resumed = Training(made, RunFolder(tmp_path / "stopped"), host, quiet=True)
        resumed.train()
        return [buffer.sum().item() for buffer in resumed.run.generator.buffers()]

    one, other = in_two_processes(task, tmp_path)
    assert one == other
    whole, stopped = (load_file(tmp_path / name / "bundle" / "model.safetensors") for name in ("whole", "stopped"))
    assert all(torch.equal(whole[name], stopped[name]) for name in whole)


def test_a_missing_update_is_an_error_that_names_the_step_and_the_process(tmp_path: Path) -> None:
    """Without the check, the first process would wait for gradients of the second for a day."""

    def task(devices: AccelerateDevices) -> Any:
        stage = Linear(devices)
        with devices.processes.step("enhance, step 7"):
            if devices.rank == 0:
                stage.update(1.0)
            devices.processes.will_return(1)

    found = in_two_processes(task, tmp_path)
    assert found[0] == found[1]
    assert found[0].startswith("Disagreement: enhance, step 7: process 1 returned without an update that the others make")


def test_gradients_of_other_parameters_are_an_error(tmp_path: Path) -> None:
    def task(devices: AccelerateDevices) -> Any:
        stage = Linear(devices)
        with devices.processes.step("enhance, step 0"):
            stage.update(1.0, bias=devices.rank == 0)

    found = in_two_processes(task, tmp_path)
    counts = "in process 0 the gradients have 3 numbers; in process 1 the gradients have 2 numbers"
    assert found[0] == found[1] and counts in found[0]


def test_scalars_that_only_one_process_reports_are_an_error(tmp_path: Path) -> None:
    def task(devices: AccelerateDevices) -> Any:
        with devices.processes.step("enhance, step 0"):
            devices.processes.will_return(1 + devices.rank)

    assert "in process 1 the step reports 2 scalars" in in_two_processes(task, tmp_path)[0]


def test_where_one_process_fails_the_other_ends_too(tmp_path: Path) -> None:
    def task(devices: AccelerateDevices) -> Any:
        stage = Linear(devices)
        with devices.processes.step("enhance, step 3"):
            if devices.rank == 1:
                raise ValueError("no such row")
            stage.update(1.0)

    assert in_two_processes(task, tmp_path) == [
        "Disagreement: enhance, step 3: process 1 failed; its own message says why",
        "ValueError: no such row",
    ]


# ---------------------------------------------------------------- stages


class Cached(CachedStage):
    def __init__(self) -> None:
        super().__init__(steps=3, batch_size=4)


@pytest.mark.parametrize("owner", [0, 1])
def test_the_first_processs_cache_counts_for_all(owner: int, tmp_path: Path) -> None:
    """Two machines without a common cache: one of them has the network already."""

    def task(devices: AccelerateDevices) -> Any:
        torch.manual_seed(0)
        layer = nn.Linear(2, 2)
        run: Any = replace(a_run(tiny_data()), devices=devices)
        first = Cached()
        first.attach(run, layer)
        layer.weight.data.fill_(7.0)
        if devices.rank == owner:
            from attrxfer_diat.cached_stage import _weights

            from attrxfer.storage.cache import cached

            cached(first.cache_key, lambda: _weights(layer))
        devices.wait()
        torch.manual_seed(0)
        second, again = Cached(), nn.Linear(2, 2)
        second.attach(run, again)
        return second.steps, bool((again.weight == 7).all()), again.weight.requires_grad

    expected = (0, True, False) if owner == 0 else (3, False, True)
    assert in_two_processes(task, tmp_path) == [expected] * 2


class Region:
    """A region that is known in the images of the second process only."""

    def __init__(self, rank: int) -> None:
        self.rank = rank

    def masks(self, data: object, batch: Batch) -> Any:
        masks = np.zeros((len(batch.rows), 1, *batch.images.shape[-2:]), np.float32)
        masks[self.rank :, :, 8:16, 8:16] = self.rank
        return masks


class Maps(nn.Module):
    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        return (images, images * 2)


def test_a_local_enhancer_updates_though_one_process_has_no_region(tmp_path: Path) -> None:
    def task(devices: AccelerateDevices) -> Any:
        torch.manual_seed(0)
        run: Any = replace(a_run(tiny_data()), devices=devices)
        enhancer = LocalEnhancer(width=4, residual=False).train()
        stage = TrainLocalEnhancer(network=Maps(), locator=Region(devices.rank), batch_size=4)
        stage.prepare(run, enhancer)
        before = [parameter.detach().clone() for parameter in enhancer.parameters()]
        with devices.processes.step("local_enhancer, step 0"):
            terms = stage.step(0)
            devices.processes.will_return(len(terms))
        moved = any(not torch.equal(one, other) for one, other in zip(before, enhancer.parameters(), strict=True))
        weights = [parameter.detach().sum().item() for parameter in enhancer.parameters()]
        return moved, weights, {name: float(value) for name, value in terms.items()}

    (moved, weights, nothing), (_, other, terms) = in_two_processes(task, tmp_path)
    assert moved and weights == other
    assert nothing == {"outside": 0, "inside": 0} and terms["outside"] > 0 and terms["inside"] > 0
