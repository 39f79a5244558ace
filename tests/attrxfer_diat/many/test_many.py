"""One network for many attributes: what it is told, how it is trained, and how it is used."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from attrxfer_diat.many.networks import ManyAttributesDiscriminator, ManyAttributesNetwork
from attrxfer_diat.many.training import REAL_BATCHES, ManyAttributesTraining, ManyGan, attributes_loss
from torch.nn.functional import binary_cross_entropy_with_logits, softplus

import attrxfer as package
from attrxfer.errors import AttrxferError, Interrupted
from attrxfer.model.condition import change_of
from attrxfer.plugin import host as hosts
from attrxfer.recipe import load
from attrxfer.testing.fakes import Run, tiny_data
from attrxfer.training.loop import Training
from attrxfer.workflows.check import check
from attrxfer.workflows.train import resume, run
from tests.conftest import attrxfer

NAMES = ("bright", "round")
MANY = (
    "data.faces=96", "train.size=16", "train.batch_size=4", "train.checkpoint_every=2", "train.threads=1", "train.precision=no",
    "generator.width=4", "generator.blocks=1", "discriminator.width=4", "discriminator.hidden=8", "metric=[]",
    "report.samples_every=2", "report.samples=2", "train.adversarial_many.steps=4", "train.adversarial_many.batch_size=4",
)  # fmt: skip


def network() -> ManyAttributesNetwork:
    torch.manual_seed(0)
    return ManyAttributesNetwork(attributes=NAMES, width=4, blocks=1).eval()


def images(count: int = 3, size: int = 16) -> torch.Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_no_change_leaves_the_image_and_each_change_differs() -> None:
    generator, x = network(), images()
    assert torch.equal(generator(x, torch.zeros(3, 2)), x)
    changes = [change_of(NAMES, wanted).expand(3, -1) for wanted in ({"bright": True}, {"bright": False}, {"round": True})]
    made = [generator(x, change) for change in changes]
    assert not torch.allclose(made[0], made[1]) and not torch.allclose(made[0], made[2])
    assert torch.equal(generator(x), generator(x, torch.ones(3, 2)))


def test_each_image_gets_its_own_change() -> None:
    generator, x = network(), images()
    changes = torch.tensor([[1.0, 0.0], [0.0, 0.0], [-1.0, 1.0]])
    together = generator(x, changes)
    for row in range(3):
        torch.testing.assert_close(
            together[row : row + 1], generator(x[row : row + 1], changes[row : row + 1]), atol=1e-5, rtol=0
        )


def test_half_a_change_has_half_the_mask() -> None:
    parts = network().parts(images(), torch.tensor([[0.5, 0.0]]).expand(3, -1))
    assert 0 < float(parts["mask"].detach().max()) <= 0.5


def test_a_change_names_what_the_model_cannot_do() -> None:
    assert change_of(NAMES, {"round": False}).tolist() == [0, -1]
    with pytest.raises(AttrxferError, match='cannot change "rond"; did you mean "round".*bright, round'):
        change_of(NAMES, {"rond": True})


def prepared(adversarial: ManyGan | None = None, **settings: Any) -> ManyAttributesTraining:
    torch.manual_seed(0)
    discriminator = ManyAttributesDiscriminator(size=32, attributes=NAMES, width=4, hidden=8, classification=2.0, **settings)
    run = Run(tiny_data(), ManyAttributesNetwork(attributes=NAMES, width=4, blocks=1), discriminator, adversarial or ManyGan())
    made = ManyAttributesTraining(steps=2, batch_size=6, dstep=1, pool=3)
    made.prepare(run, run.adversarial)
    return made


@pytest.fixture
def stage() -> ManyAttributesTraining:
    return prepared()


def test_most_images_are_asked_for_another_value_and_some_for_what_they_have(stage: ManyAttributesTraining) -> None:
    flips, same = 0, 0
    for index in range(20):
        step = stage._transform(index)
        assert step.change is not None
        labels, asked = stage.labels(stage.run.batch("all", index, 6)), step.change.asked
        assert torch.equal(step.change.back, torch.where(asked == 0, 0.0, 2 * labels - 1)), "back is what the image had"
        assert asked.shape == (6, 2) and (asked.abs().sum(1) >= 1).all()
        assert torch.equal(stage.wanted, torch.where(asked == 0, labels, (asked > 0).float()))
        flips += int((stage.wanted != labels).any(1).sum())
        same += int((stage.wanted == labels).all(1).sum())
    assert flips + same == 120 and 90 < flips < 120


def test_t_is_taught_the_wanted_attributes_and_d_the_real_ones(stage: ManyAttributesTraining) -> None:
    step = stage._transform(0)
    terms = stage._terms(step)
    logits = stage.discriminator(step.output).attributes
    assert logits is not None
    expected = 2.0 * binary_cross_entropy_with_logits(logits, stage.wanted, reduction="sum") / 6
    torch.testing.assert_close(terms["T attributes"], expected)
    batch = stage.run.batch("all", REAL_BATCHES, 6)
    seen = stage.discriminator(batch.images).attributes
    assert seen is not None
    expected = 2.0 * binary_cross_entropy_with_logits(seen, stage.labels(batch), reduction="sum") / 6
    report = stage._update_discriminator(0, step.source, step.output.detach())
    torch.testing.assert_close(report["D attributes"], expected.detach())


def test_a_conditional_discriminator_is_told_what_was_asked_for() -> None:
    stage = prepared(conditional=True)
    step = stage._transform(0)
    assert step.change is not None
    terms = stage._terms(step)
    seen = stage.discriminator(step.output)
    logit = seen.logit + (step.change.asked * seen.attributes).sum(1)
    assert "T attributes" not in terms
    torch.testing.assert_close(terms["T attribute"], softplus(-logit).mean())
    real = stage.run.batch("all", REAL_BATCHES, 6)
    seen, fake = stage.discriminator(real.images), stage.discriminator(step.output.detach())
    guided = softplus(-(seen.logit + (stage._true_of(real, 0) * seen.attributes).sum(1))).mean()
    generated = softplus(fake.logit + (step.change.asked * fake.attributes).sum(1)).mean()
    report = stage._update_discriminator(0, step.source, step.output.detach())
    torch.testing.assert_close(report["D guided"], guided.detach())
    torch.testing.assert_close(report["D generated"], generated.detach())


def test_what_is_said_of_a_real_image_is_true_and_never_nothing() -> None:
    stage = prepared(conditional=True)
    rows = [
        (stage._true_of(batch, index), stage.labels(batch))
        for index in range(20)
        for batch in [stage.run.batch("all", index, 6)]
    ]
    told, labels = (torch.cat(part) for part in zip(*rows, strict=True))
    assert torch.equal(told, torch.where(told == 0, 0.0, 2 * labels - 1))
    assert (told.abs().sum(1) >= 1).all() and (told == 0).any(1).any()


def test_images_of_the_pool_come_with_what_they_were_asked_for() -> None:
    stage = prepared(conditional=True)
    for index in range(5):
        stage.change = torch.full((6, 2), float(index))
        stage._remember(torch.full((6, 3, 32, 32), float(index)))
    state = stage.state_dict()
    for other in (stage, prepared(conditional=True)):
        other.load_state_dict(state)
        draws = torch.tensor([[0, 0], [0, 0.4], [0, 0.9], [0.9, 0.1], [0.4, 0.6], [0.5, 0]])
        images = other.image_pool.mix(torch.full((6, 3, 32, 32), 9.0), draws)
        changes = other.change_pool.mix(torch.full((6, 2, 1, 1), 9.0), draws)
        assert images[:, 0, 0, 0].tolist() == changes[:, 0, 0, 0].tolist() == [2, 3, 4, 9, 3, 9]


def test_penalties_are_of_the_conditional_logit() -> None:
    stage = prepared(ManyGan(r1=1.0, r1_every=1), conditional=True)
    step = stage._transform(0)
    real = stage.run.batch("all", REAL_BATCHES, 6)
    images = real.images.clone().requires_grad_(True)
    seen = stage.discriminator(images)
    logit = seen.logit + (stage._true_of(real, 0) * seen.attributes).sum(1)
    (gradient,) = torch.autograd.grad(logit.sum(), images)
    report = stage._update_discriminator(0, step.source, step.output.detach())
    torch.testing.assert_close(report["D r1"], gradient.square().sum((1, 2, 3)).mean() / 2)
    stage = prepared(ManyGan(loss="wasserstein", gradient_penalty=10.0), conditional=True)
    report = stage._update_discriminator(0, step.source, stage._transform(0).output.detach())
    assert float(report["D gradient penalty"]) > 0


def test_an_attribute_weighs_the_same_beside_others() -> None:
    logits, labels = torch.tensor([[1.5, 9.0], [-0.5, 9.0]]), torch.tensor([[1.0, 1.0], [1.0, 1.0]])
    alone, beside = attributes_loss(logits[:, :1], labels[:, :1]), attributes_loss(logits, labels)
    assert float(alone) == pytest.approx((math.log1p(math.exp(-1.5)) + math.log1p(math.exp(0.5))) / 2)
    assert float(beside - alone) == pytest.approx(math.log1p(math.exp(-9)), rel=1e-3)


def test_previews_show_each_attribute_both_ways(stage: ManyAttributesTraining) -> None:
    rows = stage.preview(images(2, 32))
    assert list(rows) == ["bright", "no bright", "round", "no round"]
    assert not torch.allclose(rows["bright"], rows["no bright"])


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ('generator={use="masked", width=4, blocks=1}', 'needs networks for many attributes: generator "masked_many" and'),
        ('discriminator={use="diat", width=4, hidden=8}', 'needs networks for many attributes: generator "masked_many" and'),
        (
            'discriminator.attributes=["Male", "Young"]',
            "discriminator.attributes: Male, Young, but generator.attributes: Male,",
        ),
        ('adversarial.loss="relativistic"', 'discriminator.conditional: not with adversarial.loss = "relativistic"'),
        ('train.adversarial_many.transform="set"', 'adversarial_many.transform: "set": it is for one attribute; take "batch"'),
    ],
)
def test_a_check_names_what_does_not_fit(setting: str, said: str) -> None:
    host = hosts.load()
    (problem,) = check(load("diat_a_many", host, (*MANY, setting)), host).problems
    assert said in str(problem)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("many")
    host = hosts.load()
    return run(load("diat_a_many", host, MANY), folder / "run", host, quiet=True).path


def test_a_run_stopped_and_resumed_ends_with_the_same_weights(trained: Path, tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    host = hosts.load()
    recipe = load("diat_a_many", host, MANY)
    stopping = Training(recipe, _folder(tmp_path / "again"), host, quiet=True)
    stopping.create_folder()
    original = ManyAttributesTraining.step

    def step(self: ManyAttributesTraining, index: int) -> Any:
        if index == 3:
            raise KeyboardInterrupt
        return original(self, index)

    with pytest.MonkeyPatch.context() as patch, pytest.raises((KeyboardInterrupt, Interrupted)):
        patch.setattr(ManyAttributesTraining, "step", step)
        stopping.train()
    resume(tmp_path / "again", host, quiet=True)
    one, other = (load_file(path / "bundle" / "model.safetensors") for path in (trained, tmp_path / "again"))
    assert one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def _folder(path: Path) -> Any:
    from attrxfer.storage.run_folder import RunFolder

    return RunFolder(path)


def test_a_bundle_opens_for_any_of_its_attributes(trained: Path) -> None:
    x = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3)).astype(np.uint8)
    usual, young, both = (
        package.load(trained, attributes=chosen) for chosen in (None, {"Young": True}, {"Young": True, "Eyeglasses": False})
    )
    assert dict(usual.guided) == {"Male": False} and dict(both.guided) == {"Young": True, "Eyeglasses": False}
    assert young.can_change == ("Male", "Young", "Eyeglasses", "Mouth_Slightly_Open")
    results = [model.images(x) for model in (usual, young, both)]
    assert np.array_equal(usual.changing({"Young": True}).images(x), results[1])
    assert np.array_equal(usual.images(x), results[0]), "the networks are shared, what they are told is not"
    assert not np.array_equal(results[0], results[1]) and not np.array_equal(results[1], results[2])
    assert young.metadata["task"]["guided"] == {"Young": True} and young.metadata["response"] is None


def test_the_command_line_says_what_can_be_changed(trained: Path, tmp_path: Path) -> None:
    assert "Male, Young, Eyeglasses, Mouth_Slightly_Open (transfer --attribute NAME=true)" in attrxfer("info", trained).stdout
    photo = trained / "samples" / "source.png"
    wrong = attrxfer("transfer", trained, photo, "--aligned", "--attribute", "Yung=true")
    assert wrong.returncode == 2 and 'did you mean "Young"' in wrong.stderr
    unclear = attrxfer("transfer", trained, photo, "--aligned", "--attribute", "Young")
    assert unclear.returncode == 2 and "NAME=true or NAME=false" in unclear.stderr
    other = attrxfer("transfer", "gender", photo, "--attribute", "Young=true")
    assert other.returncode == 2 and "makes Male=false only: leave --attribute out" in other.stderr
    served = attrxfer("serve", trained, "--attribute", "Yung=true", "--port", "0")
    assert served.returncode == 2 and 'cannot change "Yung"; did you mean "Young"' in served.stderr
    method = attrxfer("transfer", "input_copy", photo, "--attribute", "Young=true")
    assert method.returncode == 2 and "only a bundle for many attributes" in method.stderr
    usual = attrxfer("transfer", trained, photo, "--aligned", "-o", tmp_path / "usual")
    assert "Male=false, the task of its recipe; with --attribute NAME=true or =false: Male, Young, Eyeglasses" in usual.stdout
    made = attrxfer("transfer", trained, photo, "--aligned", "--attribute", "Young=true", "-o", tmp_path / "out")
    assert "task of its recipe" not in made.stdout
    assert made.returncode == 0 and list((tmp_path / "out").rglob("*.png"))


def test_it_is_scored_for_the_attribute_that_is_asked_for(trained: Path, tmp_path: Path) -> None:
    metric = 'metric=[{use="preserved"}]'
    made = attrxfer("evaluate", trained, "--attribute", "Young=true", "--set", metric, "-o", tmp_path / "scores")
    assert made.returncode == 0, made.stderr
    scores = json.loads((tmp_path / "scores" / "scores.json").read_text())
    assert scores["task"] == {"Young": True}


def test_an_exported_file_has_the_change_for_good(trained: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    file = tmp_path / "young.onnx"
    made = attrxfer("export", trained, "-o", file, "--attribute", "Young=true")
    assert made.returncode == 0, made.stderr
    x = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3)).astype(np.uint8)
    exported, direct = package.load(file), package.load(trained, attributes={"Young": True})
    assert dict(exported.guided) == {"Young": True}
    assert np.abs(exported.images(x).astype(int) - direct.images(x)).max() <= 1
