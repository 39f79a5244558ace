"""What a GPU would be waited for: the scalars of steps, and the steps themselves."""

from __future__ import annotations

import gc
import os
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from attrxfer_diat.adversarial import Gan
from attrxfer_diat.identity import Pixels
from attrxfer_diat.moving_average import MovingAverage
from attrxfer_diat.stages import AdversarialTraining
from torch._subclasses.fake_tensor import FakeTensorMode

from attrxfer.errors import NonFiniteLoss
from attrxfer.plugin.host import Host
from attrxfer.recipe import Recipe
from attrxfer.storage.run_folder import RunFolder
from attrxfer.testing.fakes import Discriminator, Generator, Run, tiny_data
from attrxfer.training.devices import AccelerateDevices
from attrxfer.training.loop import Training
from attrxfer.training.readings import Readings

Tiny = Callable[..., Recipe]


def devices(folder: Path, **settings: Any) -> AccelerateDevices:
    return AccelerateDevices(precision="no", channels_last=True, threads=1, trackers=[], folder=folder, **settings)


def test_steps_are_read_together_and_share_their_seconds(tmp_path: Path) -> None:
    readings = Readings(devices(tmp_path))
    assert readings.together == 1 and not readings.due, "a processor has nothing to wait for"
    readings.together = 2
    readings.keep(4, {"a": torch.tensor(1.0), "b": torch.tensor(2.0)}, 1.0)
    assert not readings.due
    readings.keep(5, {"a": torch.tensor(3.0)}, 2.0)
    assert readings.due
    first, second = readings.read()
    assert first[:2] == (4, {"a": 1, "b": 2}) and second[:2] == (5, {"a": 3})
    assert first.seconds == second.seconds == pytest.approx(1.5, abs=0.1)
    assert readings.read() == []


@pytest.mark.slow
def test_a_run_that_reads_many_steps_at_once_writes_the_same(
    tiny: Tiny, tmp_path: Path, host: Host, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attrxfer.training.loop.Readings", Rarely)
    recipe = tiny("train.checkpoint_every=100", "report.samples_every=0")
    training = Training(recipe, RunFolder(tmp_path / "run"), host, quiet=True)
    training.create_folder()
    training.train()

    def lines(folder: Path) -> list[dict[str, Any]]:
        return [{k: v for k, v in line.items() if k != "seconds"} for line in RunFolder(folder).read_metrics()]

    assert lines(tmp_path / "run") == lines(trained)


class Rarely(Readings):
    def __init__(self, devices: AccelerateDevices) -> None:
        super().__init__(devices)
        self.together = 20


@pytest.mark.slow
def test_a_loss_that_is_not_finite_is_found_before_a_checkpoint_and_named_by_its_own_step(
    tiny: Tiny, tmp_path: Path, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0

    def poisoned(self: object, step: object) -> torch.Tensor:
        nonlocal calls
        calls += 1
        return torch.tensor(float("nan") if calls == 4 else 0.0)

    monkeypatch.setattr("attrxfer_diat.identity.Adaptive.__call__", poisoned)
    monkeypatch.setattr("attrxfer.training.loop.Readings", Rarely)
    recipe = tiny("train.checkpoint_every=100", "report.samples_every=0")
    training = Training(recipe, RunFolder(tmp_path / "run"), host, quiet=True)
    training.create_folder()
    with pytest.raises(NonFiniteLoss, match="adversarial, step 3: T identity = nan"):
        training.train()
    assert [path.name for path in training.folder.checkpoints.glob("[!.]*")][-1].startswith("02-00000000")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Accessing the data pointer of FakeTensor")
def test_an_adversarial_step_reads_no_tensor(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch's fake tensors have no values: what reads one, and would wait for a GPU, raises an exception."""
    monkeypatch.setattr(MovingAverage, "update_parameters", lambda *arguments: None)  # it counts on the processor
    data = tiny_data()
    with FakeTensorMode():
        torch.manual_seed(0)
        gan = Gan(shift=0.1, rotate=5.0, contrast=0.1, adaptive=0.6, r1=1.0)
        run: Any = Run(data, Generator(), Discriminator(), gan, (Pixels(),))
        stage = AdversarialTraining(steps=9, batch_size=4, dstep=2, tstep=2, pool=2, balance_every=1)
        stage.prepare(run, gan)
        for index in range(3):
            report = stage.step(index)
        assert report["augmentation"].shape == ()
        with pytest.raises(Exception, match="_local_scalar"):
            float(report["augmentation"])


@pytest.mark.slow
def test_a_stages_optimizers_are_gone_before_the_next_stage_begins(tiny: Tiny, tmp_path: Path, host: Host) -> None:
    training = Training(tiny("train.pretrain_generator.steps=1"), RunFolder(tmp_path / "run"), host, quiet=True)
    training.create_folder()
    prepared = training.prepared
    optimizers: dict[str, weakref.ref[Any]] = {}

    def noted(planned: Any) -> Any:
        gc.disable()  # it must not be by chance
        assert [key for key, optimizer in optimizers.items() if optimizer() is not None] == []
        stage: Any = prepared(planned)
        held = stage.optimizer_t if hasattr(stage, "optimizer_t") else stage.optimizer
        optimizers[planned.key] = weakref.ref(held.optimizer)
        return stage

    training.prepared = noted  # type: ignore[method-assign]
    try:
        training.train()
    finally:
        gc.enable()
    assert list(optimizers) == ["pretrain_generator", "pretrain_discriminator", "adversarial"]
    assert optimizers["adversarial"]() is None


def test_images_are_sent_as_bytes(tmp_path: Path) -> None:
    made = devices(tmp_path)
    images = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3)).astype(np.uint8)
    found = made.images(images)
    assert found.is_contiguous(memory_format=torch.channels_last) and found.dtype == torch.float32
    assert torch.equal(found, torch.from_numpy(images).permute(0, 3, 1, 2) / 127.5 - 1)


def test_deterministic_algorithms_are_a_setting_and_tf32_follows_the_precision(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    try:
        devices(tmp_path, deterministic=True)
        assert torch.are_deterministic_algorithms_enabled() and not torch.backends.cudnn.benchmark
        assert torch.is_deterministic_algorithms_warn_only_enabled()
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    finally:
        devices(tmp_path)
    assert not torch.are_deterministic_algorithms_enabled() and torch.backends.cudnn.benchmark
    assert not torch.backends.cudnn.allow_tf32 and not torch.backends.cuda.matmul.allow_tf32
    AccelerateDevices(precision="bf16", channels_last=True, threads=1, trackers=[], folder=tmp_path)
    assert torch.backends.cudnn.allow_tf32 and torch.backends.cuda.matmul.allow_tf32
    devices(tmp_path)
