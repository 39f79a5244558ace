"""DIAT's own terms and stages against their equations: eq. 1-2, 4-6, 10, 11; and how runs share what they train."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from attrxfer_diat.adversarial import Gan
from attrxfer_diat.discriminator import Discriminator
from attrxfer_diat.enhancer import GlobalEnhancer, LocalEnhancer, TrainGlobalEnhancer, TrainLocalEnhancer, blur
from attrxfer_diat.features import FaceFeatures
from attrxfer_diat.generator import MaskedTransformNetwork, TransformNetwork
from attrxfer_diat.identity import Backbone
from attrxfer_diat.regularizer import Denoising, MaskSize, Perceptual, Reconstruction
from attrxfer_diat.stages import AdversarialTraining
from safetensors.torch import load_file
from torch import Tensor, nn

from attrxfer.errors import AttrxferError
from attrxfer.interfaces import Batch
from attrxfer.plugin.host import Host
from attrxfer.recipe import Recipe
from attrxfer.storage.run_folder import RunFolder
from attrxfer.training.loop import Training
from attrxfer.training.step import Step
from tests.attrxfer_diat.test_update import PlainDevices

N, SIZE = 2, 32
Tiny = Callable[..., Recipe]


def images(seed: int) -> Tensor:
    return torch.rand(N, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@pytest.fixture
def phi() -> FaceFeatures:
    return FaceFeatures(width=4)


def a_step(generator: Any) -> Step:
    discriminator = Discriminator(size=SIZE, width=4, hidden=8)
    return Step(generator, discriminator, Gan(), images(1), lambda key, columns: torch.zeros(N, columns))


def a_run(generator: Any, tmp_path: Path) -> Any:
    """What these stages ask of a run, without the training loop."""
    records = SimpleNamespace(split=np.zeros(4, np.uint8), identity=None, attributes={})
    data = SimpleNamespace(key=str(tmp_path), usable=np.ones(4, bool), records=records)
    batch = Batch(images(3), torch.zeros(N), np.array([0, 1]), np.array([False, True]))
    devices = PlainDevices()
    devices.rank, devices.world, devices.precision = 0, 1, "no"  # type: ignore[attr-defined]
    return SimpleNamespace(generator=generator, data=data, seed=0, devices=devices, batch=lambda which, index, size: batch)


# ---------------------------------------------------------------- losses


@pytest.mark.parametrize("scale", ["paper", "relative"])
def test_backbone_identity_is_eq_1_and_2(phi: FaceFeatures, scale: Any) -> None:
    step = a_step(TransformNetwork(width=4, blocks=1, norm="none"))
    found = Backbone(network=phi, layer_weights=(0.25, 2.0), scale=scale)(step)
    expected = torch.zeros(())
    for layer, weight in ((3, 0.25), (4, 2.0)):
        ours, theirs = phi(step.output)[layer], phi(step.source)[layer]
        for one, other in zip(ours, theirs, strict=True):
            part = (one - other).pow(2).sum() / (2 * one.numel())
            expected = expected + weight * (part if scale == "paper" else part / other.pow(2).mean()) / N
    torch.testing.assert_close(found, expected)


def test_losses_on_one_backbone_share_its_passes(phi: FaceFeatures) -> None:
    step = a_step(TransformNetwork(width=4, blocks=1, norm="none"))
    calls: Counter[str] = Counter()
    phi.register_forward_hook(lambda *_: calls.update(["phi"]))
    torch.stack([Backbone(network=phi)(step), Backbone(network=phi, layers=(1,))(step)]).sum().backward()
    assert calls["phi"] == 2  # x without graph, T(x) with
    assert all(p.grad is None for p in phi.parameters())
    assert not step.features(phi, step.source)[0].requires_grad


def test_layers_that_are_not_there_are_named(phi: FaceFeatures) -> None:
    step = a_step(TransformNetwork(width=4, blocks=1, norm="none"))
    with pytest.raises(AttrxferError, match="1 to 5"):
        Backbone(network=phi, layers=(6,))(step)
    with pytest.raises(AttrxferError, match="there are 2 layers"):
        Backbone(network=phi, layer_weights=(1.0,))(step)


def perceptual(phi: FaceFeatures, scale: Any = "mean") -> Perceptual:
    regularizer = Perceptual(network=phi, reconstruction=TransformNetwork(width=4, blocks=1, norm="none"), width=4, scale=scale)
    with torch.no_grad():
        list(regularizer.f.parameters())[-2].normal_(std=0.1)
    return regularizer


@pytest.mark.parametrize("scale", ["paper", "mean"])
def test_the_perceptual_regularizer_is_eq_6(phi: FaceFeatures, scale: Any) -> None:
    regularizer, step = perceptual(phi, scale), a_step(TransformNetwork(width=4, blocks=1, norm="none"))
    loss = regularizer(step)
    error = (regularizer.f(step.output) - step.output).pow(2)
    torch.testing.assert_close(loss, error.sum() / N if scale == "paper" else error.mean())
    loss.backward()
    assert all(p.grad is None for p in regularizer.parameters())


def test_g_learns_eq_4_and_f_eq_5(phi: FaceFeatures, tmp_path: Path) -> None:
    owner, run = perceptual(phi), a_run(None, tmp_path)
    stage = Reconstruction(steps=1, batch_size=N, scale="paper")
    stage.prepare(run, owner)
    x = images(3)
    expected = sum(
        (ours - theirs).pow(2).sum() / (2 * ours[0].numel()) / N
        for ours, theirs in zip(phi(owner.g(x))[3:], phi(x)[3:], strict=True)
    )
    torch.testing.assert_close(stage.step(0)["content"], expected.detach())
    stage.finish()
    assert not any(p.requires_grad for p in owner.parameters())

    denoising = Denoising(steps=1, batch_size=N)
    denoising.prepare(run, owner)
    before = [p.clone() for p in owner.g.parameters()]
    with torch.no_grad():
        restored, kept = (owner.f(owner.g(x)) - x).pow(2).mean(), (owner.f(x) - x).pow(2).mean()
    terms = denoising.step(0)
    torch.testing.assert_close(terms["restored"], restored)
    torch.testing.assert_close(terms["kept"], kept)
    assert all(torch.equal(p, q) for p, q in zip(before, owner.g.parameters(), strict=True))


def test_the_size_of_the_mask() -> None:
    masked = MaskedTransformNetwork(width=4, blocks=1, norm="none")
    step = a_step(masked)
    mask = step.parts["mask"]
    rough = (mask[..., 1:] - mask[..., :-1]).abs().mean() + (mask[..., 1:, :] - mask[..., :-1, :]).abs().mean()
    torch.testing.assert_close(MaskSize(smoothness=0.5)(step), mask.mean() + 0.5 * rough)
    with pytest.raises(AttrxferError, match='learns no mask; generator.use = "masked" does'):
        MaskSize()(a_step(TransformNetwork(width=4, blocks=1)))


# ---------------------------------------------------------------- enhancers


def test_the_blur_grows_with_the_image() -> None:
    point = torch.zeros(1, 3, 129, 129)
    point[..., 64, 64] = 1
    spread = blur(point, 1.8)[0, 0]
    grid = torch.arange(129.0) - 64
    variance = (spread.sum(0) * grid.square()).sum() / spread.sum()
    assert pytest.approx(float(variance.sqrt()), rel=0.05) == 1.8 * 129 / 128
    assert blur(point, 1.8).max() < blur(point[..., 32:96, 32:96], 1.8).max()


@pytest.mark.parametrize("residual", [False, True])
def test_the_global_enhancer_is_eq_11(tmp_path: Path, residual: bool) -> None:
    network = MaskedTransformNetwork(width=4, blocks=1, norm="none")
    enhancer, run = GlobalEnhancer(network=network, residual=residual), a_run(None, tmp_path)
    stage = TrainGlobalEnhancer(steps=1, batch_size=N)
    stage.prepare(run, enhancer)
    x = images(3)
    sharpened = network(blur(x, 1.8)) + (blur(x, 1.8) if residual else 0)
    torch.testing.assert_close(stage.step(0)["sharpened"], (sharpened - x).pow(2).mean().detach())
    again = network(blur(x, 1.8)) + (blur(x, 1.8) if residual else 0)
    torch.testing.assert_close(enhancer(x, images(5)), again.clamp(-1, 1))


class LeftHalf:
    """A locator whose part is the left half of the image as it was before it was mirrored."""

    def masks(self, data: Any, batch: Batch) -> Any:
        mask = np.zeros((N, 1, SIZE, SIZE), np.float32)
        mask[..., : SIZE // 2] = 1
        mask[batch.mirrored] = mask[batch.mirrored, ..., ::-1]
        return mask


def test_the_local_enhancer_is_eq_10(phi: FaceFeatures, tmp_path: Path) -> None:
    generator = TransformNetwork(width=4, blocks=1, norm="none")
    enhancer, run = LocalEnhancer(width=4), a_run(generator, tmp_path)
    with torch.no_grad():
        last = enhancer.layers[-1]
        assert isinstance(last, nn.Conv2d)
        last.weight.normal_(std=0.05)
    stage = TrainLocalEnhancer(network=phi, locator=LeftHalf(), steps=1, batch_size=N)
    stage.prepare(run, enhancer)
    x = images(3)
    m = torch.from_numpy(LeftHalf().masks(None, run.batch("input", 0, N)))
    with torch.no_grad():
        t = generator.eval()(x)
        e = enhancer(t, x)
        outside = ((1 - m) * (e - x)).pow(2).mean()
        inside = torch.zeros(())
        for beta, one, other in zip((0.1, 0.5, 1.0), [m * e, *phi(m * e)[:2]], [m * t, *phi(m * t)[:2]], strict=True):
            for i in range(N):
                inside = inside + beta * (one[i] - other[i]).pow(2).mean() / 2 / other[i].pow(2).mean() / N
    terms = stage.step(0)
    torch.testing.assert_close(terms["outside"], outside)
    torch.testing.assert_close(terms["inside"], inside)
    assert [tuple(layer.weight.shape) for layer in enhancer.layers if isinstance(layer, nn.Conv2d)] == [
        (4, 6, 3, 3), (4, 4, 3, 3), (4, 4, 3, 3), (3, 4, 3, 3),
    ]  # fmt: skip


def test_an_image_without_a_region_is_left_out_of_eq_10(phi: FaceFeatures, tmp_path: Path) -> None:
    class OnlyTheFirst(LeftHalf):
        def masks(self, data: Any, batch: Batch) -> Any:
            return super().masks(data, batch) * (np.arange(N) == 0).reshape(-1, 1, 1, 1)

    class Alone(LeftHalf):
        def masks(self, data: Any, batch: Batch) -> Any:
            return super().masks(data, batch)[: len(batch.images)]

    generator = TransformNetwork(width=4, blocks=1, norm="none")
    both, alone = a_run(generator, tmp_path), a_run(generator, tmp_path)
    first = both.batch("input", 0, N)
    alone.batch = lambda *arguments: Batch(first.images[:1], first.labels[:1], first.rows[:1], first.mirrored)
    found = []
    for run, locator in ((both, OnlyTheFirst()), (alone, Alone())):
        torch.manual_seed(0)
        enhancer = LocalEnhancer(width=4)
        stage = TrainLocalEnhancer(network=phi, locator=locator, steps=1, batch_size=N)
        stage.prepare(run, enhancer)
        found.append(stage.step(0))
    for name in ("outside", "inside"):
        torch.testing.assert_close(found[0][name], found[1][name])


def test_what_is_cached_is_found_only_by_equal_settings_and_labels(phi: FaceFeatures, tmp_path: Path) -> None:
    owner, names = perceptual(phi), set()
    for settings in ({}, {}, {"layers": (4,)}, {"scale": "paper"}, {"steps": 2}):
        stage = Reconstruction(**{"steps": 1, "batch_size": N, **settings})  # type: ignore[arg-type]
        stage.prepare(a_run(None, tmp_path), owner)
        names.add(stage.cache_key)
    relabelled = a_run(None, tmp_path)
    relabelled.data.records.attributes = {"hat": np.ones(4, bool)}
    stage.prepare(relabelled, owner)
    assert len(names | {stage.cache_key}) == 5
    clipped = perceptual(phi)
    clipped.g.squash = "none"
    stage.prepare(a_run(None, tmp_path), clipped)
    names.add(stage.cache_key)
    assert len(names) == 5
    kept = []
    for sigma in (1.8, 2.5):
        enhancer = GlobalEnhancer(network=owner.g, sigma=sigma)
        sharpening = TrainGlobalEnhancer(steps=1, batch_size=N)
        sharpening.prepare(a_run(None, tmp_path), enhancer)
        kept.append(sharpening.cache_key)
    in_half = a_run(None, tmp_path)
    in_half.devices.precision = "bf16"
    sharpening.prepare(in_half, enhancer)
    assert len({*kept, sharpening.cache_key}) == 3


def test_an_untrained_local_enhancer_changes_nothing() -> None:
    enhancer = LocalEnhancer().eval()
    torch.testing.assert_close(enhancer(images(1), images(2)), images(1))


# ---------------------------------------------------------------- whole runs

DIAT = (
    "identity={use='backbone', network={use='face_features', width=4}, weight=0.5}",
    "regularizer={use='perceptual', network={use='face_features', width=4}, reconstruction={use='diat', width=4, blocks=1}}",
    "enhancer=[{use='local', width=4}, {use='global', network={use='masked', width=4, blocks=1}}]",
    "train.local_enhancer={network={use='face_features', width=4}, locator={use='landmarks', region='mouth'}, steps=2}",
    "train.face_features.steps=3",
    "train.reconstruction.steps=3",
    "train.denoiser.steps=3",
    "train.global_enhancer.steps=3",
)


def trained(recipe: Recipe, folder: Path, host: Host) -> RunFolder:
    training = Training(recipe, RunFolder(folder), host, quiet=True)
    training.create_folder()
    training.train()
    return training.folder


@pytest.mark.slow
def test_diat_with_all_its_parts(tiny: Tiny, tmp_path: Path, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every stage runs, in order; a second run finds what does not depend on the task, and ends with the same weights."""
    monkeypatch.setenv("ATTRXFER_CACHE", str(tmp_path / "cache"))
    first = trained(tiny(*DIAT), tmp_path / "first", host)
    stages = list(dict.fromkeys(line["stage"] for line in first.read_metrics()))
    assert stages == [
        "face_features", "pretrain_discriminator", "reconstruction", "denoiser", "adversarial", "local_enhancer",
        "global_enhancer",
    ]  # fmt: skip
    assert len(list((tmp_path / "cache" / "networks").iterdir())) == 4
    second = trained(tiny(*DIAT), tmp_path / "second", host)
    stages = list(dict.fromkeys(line["stage"] for line in second.read_metrics()))
    assert stages == ["pretrain_discriminator", "adversarial", "local_enhancer"]
    one, other = (load_file(folder.bundle / "model.safetensors") for folder in (first, second))
    assert all(torch.equal(one[name], other[name]) for name in one) and one.keys() == other.keys()
    chain = json.loads((first.bundle / "attrxfer.json").read_text())["chain"]
    assert [step["use"] for step in chain] == ["masked", "local", "global"]
    # the report's images of g and f are there in the second run too, which found both in the cache
    drawn = {path.stem.split("-")[1] for path in second.samples.glob("*-*-*.png")}
    assert {"reconstruction", "denoiser g(x)", "denoiser f(g(x))", "denoiser f(x)"} <= drawn


@pytest.mark.slow
def test_another_seed_or_setting_shares_nothing(
    tiny: Tiny, tmp_path: Path, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATTRXFER_CACHE", str(tmp_path / "cache"))
    networks = tmp_path / "cache" / "networks"
    for i, change in enumerate(("train.seed=0", "train.seed=1", "train.face_features.lr=2e-3")):
        trained(tiny(*DIAT[:1], "train.face_features.steps=3", change), tmp_path / str(i), host)
        assert len(list(networks.iterdir())) == i + 1


@pytest.mark.slow
def test_variants_share_their_features(tiny: Tiny, tmp_path: Path, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """DIAT2 and DIAT3 learn the same faces, though DIAT3 builds more networks before."""
    monkeypatch.setenv("ATTRXFER_CACHE", str(tmp_path / "cache"))
    trained(tiny(*DIAT[:1], "train.face_features.steps=3"), tmp_path / "diat2", host)
    folder = trained(tiny(*DIAT[:2], *DIAT[4:]), tmp_path / "diat3", host)
    stages = list(dict.fromkeys(line["stage"] for line in folder.read_metrics()))
    assert stages == ["pretrain_discriminator", "reconstruction", "denoiser", "adversarial"]


@pytest.mark.slow
def test_each_terms_share_of_the_gradient(tiny: Tiny, tmp_path: Path, host: Host) -> None:
    folder = trained(
        tiny("regularizer={use='tv', weight=0.0}", "train.adversarial.balance_every=2", "identity.weight=0.3"),
        tmp_path / "run",
        host,
    )
    lines = [line for line in folder.read_metrics() if line["stage"] == "adversarial"]
    shares = [{k: v for k, v in line.items() if k.startswith("share")} for line in lines]
    assert [bool(share) for share in shares] == [True, False, True, False, True]
    for share in shares[::2]:
        assert share.keys() == {"share attribute", "share identity", "share regularizer"}
        assert sum(share.values()) == pytest.approx(1, abs=1e-5)
        assert share["share regularizer"] == 0 and share["share attribute"] > 0.01 and share["share identity"] > 0


@pytest.mark.slow
def test_shares_do_not_change_training(tiny: Tiny, tmp_path: Path, host: Host) -> None:
    folders = [trained(tiny(f"train.adversarial.balance_every={every}"), tmp_path / str(every), host) for every in (0, 1)]
    one, other = (load_file(folder.bundle / "model.safetensors") for folder in folders)
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_balance_by_hand() -> None:
    parameter = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
    stage = AdversarialTraining()
    stage.generator = SimpleNamespace(parameters=lambda: [parameter])  # type: ignore[assignment]
    terms = {"T attribute": 3 * parameter[0], "T identity": parameter[1], "T none": torch.zeros((), requires_grad=True)}
    shares = stage._balance(terms | {"T none": 0 * parameter.sum()})
    assert {name: float(value) for name, value in shares.items()} == {
        "share attribute": 0.75, "share identity": 0.25, "share none": 0.0,
    }  # fmt: skip
