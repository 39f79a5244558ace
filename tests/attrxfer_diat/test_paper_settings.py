"""Settings that make a run the paper's to the letter: sums, the networks of eq. 5 and 10, line 5 of Algorithm 1, optimizers."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from attrxfer_diat.enhancer import GlobalEnhancer, LocalEnhancer, TrainGlobalEnhancer, TrainLocalEnhancer
from attrxfer_diat.features import FaceFeatures
from attrxfer_diat.generator import TransformNetwork
from attrxfer_diat.regularizer import Denoising, Perceptual
from attrxfer_diat.stages import AdversarialTraining, PretrainGenerator
from torch import Tensor, nn

from attrxfer.interfaces import Batch
from attrxfer.plugin.host import Host
from attrxfer.recipe import load
from attrxfer.testing.fakes import SIZE, Run, a_run, tiny_data
from attrxfer.training.devices import AccelerateDevices
from attrxfer.workflows.check import check

N = 4
VALUES = 3 * SIZE * SIZE


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("ATTRXFER_CACHE", str(tmp_path))
    made = a_run(tiny_data())
    return replace(made, generator=TransformNetwork(width=4, blocks=1, norm="none"))


@pytest.fixture
def phi() -> FaceFeatures:
    return FaceFeatures(width=4)


def first_step(stage: Any, run: Run, owner: Any) -> dict[str, Tensor]:
    stage.prepare(run, owner)
    return dict(stage.step(0))


def test_the_sums_are_the_means_times_the_values_of_an_image(run: Run, phi: FaceFeatures) -> None:
    def perceptual() -> Perceptual:
        torch.manual_seed(1)
        made = Perceptual(network=phi, reconstruction=TransformNetwork(width=4, blocks=1, norm="none"), width=4)
        with torch.no_grad():
            list(made.f.parameters())[-2].normal_(std=0.1)
        return made

    def global_enhancer() -> GlobalEnhancer:
        torch.manual_seed(1)
        return GlobalEnhancer(network=TransformNetwork(width=4, blocks=1, norm="none"))

    def local_enhancer() -> LocalEnhancer:
        torch.manual_seed(1)
        return LocalEnhancer(width=4, residual=False)

    cases: list[tuple[Any, Any, str, dict[str, Any]]] = [
        (PretrainGenerator, lambda: None, "reconstruction", {"steps": 1}),  # eq. 8
        (Denoising, perceptual, "restored", {}),  # eq. 5
        (Denoising, perceptual, "kept", {}),
        (TrainGlobalEnhancer, global_enhancer, "sharpened", {}),  # eq. 11
        (TrainLocalEnhancer, local_enhancer, "outside", {"network": phi, "locator": UpperHalf()}),  # eq. 10
    ]
    for stage, owner, term, settings in cases:
        both = []
        for scale in ("relative" if stage is TrainLocalEnhancer else "mean", "paper"):
            torch.manual_seed(2)
            fresh = replace(run, generator=TransformNetwork(width=4, blocks=1, norm="none"))
            both.append(first_step(stage(batch_size=N, scale=scale, **settings), fresh, owner())[term])
        assert both[0] > 0
        torch.testing.assert_close(both[1], VALUES * both[0])


class UpperHalf:
    def masks(self, data: Any, batch: Batch) -> Any:
        mask = np.zeros((len(batch.images), 1, SIZE, SIZE), np.float32)
        mask[:, :, : SIZE // 2] = 1
        return mask


def test_inside_the_mask_the_paper_s_eq_10_does_not_divide_by_the_features(run: Run, phi: FaceFeatures) -> None:
    enhancer = LocalEnhancer(width=4, residual=False)
    stage = TrainLocalEnhancer(network=phi, locator=UpperHalf(), batch_size=N, scale="paper")
    x = run.batch("input", 0, N).images
    mask = torch.from_numpy(UpperHalf().masks(None, run.batch("input", 0, N)))
    with torch.no_grad():
        t = run.generator.eval()(x)
        e = enhancer(t, x)
        maps = zip((0.1, 0.5, 1.0), [mask * e, *phi(mask * e)[:2]], [mask * t, *phi(mask * t)[:2]], strict=True)
        expected = sum(beta * (one - other).pow(2).flatten(1).mean(1).div(2).mean() for beta, one, other in maps)
    torch.testing.assert_close(first_step(stage, run, enhancer)["inside"], expected)


@pytest.mark.parametrize("residual", [True, False])
def test_the_networks_of_eq_5_and_10_have_the_stated_form(residual: bool, phi: FaceFeatures) -> None:
    local = LocalEnhancer(width=6, depth=3, kernel=5, residual=residual)
    f = Perceptual(
        network=phi, reconstruction=TransformNetwork(width=4), width=6, depth=3, kernel=5, residual=residual
    ).f  # fmt: skip
    for network, inputs in ((local.layers, 6), (f.layers, 3)):
        shapes = [tuple(layer.weight.shape) for layer in network if isinstance(layer, nn.Conv2d)]
        assert shapes == [(6, inputs, 5, 5), (6, 6, 5, 5), (3, 6, 5, 5)]
    x, t = torch.rand(2, N, 3, SIZE, SIZE)
    assert torch.equal(local(t, x), t) is residual and torch.equal(f(x), x) is residual, "untrained"
    if not residual:
        torch.testing.assert_close(local(t, x), local.layers(torch.cat([x, t], 1)))


def test_line_5_transfers_the_whole_input_set(run: Run) -> None:
    count, size = run.count("input"), 3
    assert count % size, "the last batch goes on with the next epoch"
    batches = -(-count // size)
    calls: Counter[str] = Counter()
    seen: list[Tensor] = []
    run.generator.register_forward_hook(
        lambda module, inputs, output: calls.update(["training"] if output.requires_grad else ["set"])
    )
    stage = AdversarialTraining(steps=2, batch_size=size, transform="set", pool=0, dstep=batches, tstep=2, balance_every=0)
    stage.prepare(run, run.adversarial)
    update = stage._update_discriminator

    def watched(index: int, source: Tensor, fake: Tensor) -> dict[str, Tensor]:
        seen.append(source)
        with torch.no_grad():
            torch.testing.assert_close(run.generator(source), fake)
        calls.subtract(["set"])
        return update(index, source, fake)

    stage._update_discriminator = watched  # type: ignore[method-assign]
    for index in range(2):
        stage.step(index)
    assert calls == {"set": 2 * batches, "training": 2 * 2}
    first = torch.cat(seen[:batches])[:count]
    assert len(torch.unique(first.flatten(1), dim=0)) >= count - 1, "each image once (a mirrored one may look alike)"


def test_the_pool_and_the_whole_set_exclude_each_other(host: Host) -> None:
    problems = check(load("diat_a_gender", host, ["train.adversarial.transform=set"]), host).problems
    assert [str(problem) for problem in problems] == [
        'train.adversarial.pool: 30: with transform = "set", D sees the whole input set of this iteration: pool = 0'
    ]
    assert not check(
        load("diat_a_gender", host, ["train.adversarial.transform=set", "train.adversarial.pool=0"]), host
    ).problems


@pytest.mark.parametrize(
    ("name", "kind"), [("adam", torch.optim.AdamW), ("rmsprop", torch.optim.RMSprop), ("sgd", torch.optim.SGD)]
)
def test_the_run_s_kind_of_optimizer(name: Any, kind: type, tmp_path: Path) -> None:
    devices = AccelerateDevices(
        precision="no", channels_last=True, threads=1, trackers=(), folder=tmp_path, optimizer=name
    )  # fmt: skip
    network = nn.Linear(3, 1)
    optimizer = devices.optimizer(network, 0.1, (0.5, 0.9))
    assert isinstance(getattr(optimizer, "optimizer", optimizer), kind)
    group = optimizer.param_groups[0]
    assert group["lr"] == 0.1
    assert {"adam": group.get("betas"), "rmsprop": (group.get("momentum"), group.get("alpha")), "sgd": group.get("momentum")}[
        name
    ] == {"adam": (0.5, 0.9), "rmsprop": (0.5, 0.9), "sgd": 0.5}[name]
    before = network.weight.clone()
    devices.update(optimizer, network(torch.ones(2, 3)).sum())
    assert (network.weight < before).all()
    devices.close()
