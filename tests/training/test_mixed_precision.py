"""fp16 scales losses so that small gradients do not become 0. torch's scaler works on a processor too, in float32."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from attrxfer_diat.adversarial import Gan
from attrxfer_diat.identity import Pixels
from attrxfer_diat.stages import AdversarialTraining
from torch import Tensor, nn

from attrxfer.storage.state import pack, unpack
from attrxfer.testing.fakes import a_run, tiny_data
from attrxfer.training.devices import AccelerateDevices


def devices(folder: Path, scale: float | None) -> AccelerateDevices:
    """Devices whose losses are scaled, as in fp16; not where ``scale`` is None."""
    made = AccelerateDevices(precision="no", channels_last=False, threads=1, trackers=[], folder=folder)
    if scale is not None:
        made.accelerator.scaler = torch.amp.GradScaler("cpu", init_scale=scale, growth_interval=2)
    return made


def steps(made: AccelerateDevices, layer: nn.Module, optimizer: Any, numbers: list[float]) -> None:
    for number in numbers:
        made.update(optimizer, layer(torch.full((1, 2), number)).square().sum())


def test_the_scale_is_in_the_state_so_that_a_resumed_run_ends_with_the_same_bits(tmp_path: Path) -> None:
    torch.manual_seed(0)
    whole = devices(tmp_path, 1024.0)
    layer = nn.Linear(2, 1)
    optimizer = whole.optimizer(layer, 0.1, (0.5, 0.9))
    steps(whole, layer, optimizer, [1.0, float("inf"), 2.0])
    tensors: dict[str, Tensor] = {}
    state = unpack(pack(whole.state_dict(), tensors), tensors)  # as a checkpoint holds it
    saved, moments = copy.deepcopy(layer), copy.deepcopy(optimizer.state_dict())
    assert state["scaler"]["scale"] == 512 and state["scaler"]["_growth_tracker"] == 1
    steps(whole, layer, optimizer, [0.5, 1.0])

    resumed = devices(tmp_path, 1024.0)
    resumed.load_state_dict(state)
    again = resumed.optimizer(saved, 0.1, (0.5, 0.9))
    again.load_state_dict(moments)
    steps(resumed, saved, again, [0.5, 1.0])
    assert resumed.state_dict() == whole.state_dict()
    assert all(torch.equal(*pair) for pair in zip(layer.parameters(), saved.parameters(), strict=True))


def test_without_fp16_there_is_no_such_state(tmp_path: Path) -> None:
    made = devices(tmp_path, None)
    assert made.state_dict() == {}
    made.load_state_dict({})


@pytest.mark.slow
@pytest.mark.parametrize("gan", [Gan(r1=1.0, r2=1.0, r1_every=1), Gan(loss="wasserstein", gradient_penalty=10.0)])
def test_penalties_and_shares_are_of_losses_that_are_not_scaled(gan: Gan, tmp_path: Path) -> None:
    def reported(scale: float | None) -> dict[str, float]:
        run: Any = a_run(tiny_data())
        for name, value in {"devices": devices(tmp_path, scale), "adversarial": gan, "identity": (Pixels(),)}.items():
            object.__setattr__(run, name, value)
        stage = AdversarialTraining(steps=2, batch_size=4, dstep=1, balance_every=1)
        stage.prepare(run, gan)
        torch.manual_seed(0)
        return {name: float(value) for name, value in stage.step(0).items()}

    plain, scaled = reported(None), reported(2.0**10)
    assert {"share attribute", "share identity"} < plain.keys() and ("D r1" in plain or "D gradient penalty" in plain)
    assert scaled == pytest.approx(plain, rel=1e-4)
