"""The recognition network, how it learns, and the losses that read it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from attrxfer_diat.recognition.description import read_output, read_source
from attrxfer_diat.recognition.losses import NO_ATTRIBUTES, NO_PEOPLE, Classification, Embedding
from attrxfer_diat.recognition.network import RecognitionNetwork
from attrxfer_diat.recognition.training import TrainRecognition
from attrxfer_diat.recognition.views import COLUMNS, random_view
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, binary_cross_entropy_with_logits

from attrxfer.errors import AttrxferError, DataError
from attrxfer.interfaces import ChecksRecipe
from attrxfer.plugin.host import Host
from attrxfer.recipe import load
from attrxfer.testing.fakes import SIZE, Discriminator, Gan, a_run, random_images, tiny_data
from attrxfer.training.step import Step

N = 4


def network(**settings: Any) -> RecognitionNetwork:
    settings = {"attributes": ("bright", "round"), "embedding": 16, **settings}
    return RecognitionNetwork(size=SIZE, guided={"bright": True}, channels=(8, 16, 16), **settings)


def draw(key: str, columns: int) -> Tensor:
    return torch.rand(N, columns, generator=torch.Generator().manual_seed(len(key)))


class Brighter(nn.Module):
    """T(x) = x + change, with a parameter so that there is a gradient."""

    def __init__(self, change: float = 0.0) -> None:
        super().__init__()
        self.change = nn.Parameter(torch.tensor(change))

    def forward(self, images: Tensor) -> Tensor:
        return images + self.change


def a_step(change: float = 0.0) -> Step:
    return Step(Brighter(change), Discriminator(), Gan(), random_images(N, SIZE), draw)


# ---------------------------------------------------------------- views


def test_the_middle_of_all_changes_changes_nothing() -> None:
    images = random_images(N, SIZE)
    half = torch.full((N, COLUMNS), 0.5)
    half[:, 10] = 0  # the noise's deviation counts from 0
    seen = random_view(images, half, torch.rand(N, images[0].numel()))
    torch.testing.assert_close(seen, images, atol=1e-4, rtol=0)


def test_equal_numbers_make_equal_views_and_rows_differ() -> None:
    images = random_images(1, SIZE).repeat(N, 1, 1, 1)
    uniform, noise = draw("view", COLUMNS), draw("noise", images[0].numel())
    first, second = (random_view(images, uniform, noise, blur=2.0) for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.allclose(first[0], first[1], atol=0.05)


@pytest.mark.parametrize(("column", "value"), [(0, 1.0), (1, 0.0), (2, 1.0), (3, 1.0), (5, 1.0), (6, 0.0), (8, 1.0), (10, 1.0)])
def test_each_number_changes_something(column: int, value: float) -> None:
    images = random_images(N, SIZE)
    uniform = torch.full((N, COLUMNS), 0.5)
    uniform[:, 10] = 0
    noise = draw("noise", images[0].numel())
    before = random_view(images, uniform, noise)
    uniform[:, column] = value
    assert (random_view(images, uniform, noise) - before).abs().mean() > 0.01


def test_brightness_and_shift_have_their_stated_size() -> None:
    images = random_images(N, SIZE)
    uniform = torch.full((N, COLUMNS), 0.5)
    uniform[:, 10] = 0
    noise = torch.zeros(N, images[0].numel())
    brighter = uniform.clone()
    brighter[:, 6] = 1
    torch.testing.assert_close(random_view(images, brighter, noise), images + 0.2, atol=1e-4, rtol=0)
    moved = uniform.clone()
    moved[:, 0] = 0.5 + 0.5 * 2 / (0.08 * SIZE)  # two pixels to the right
    torch.testing.assert_close(random_view(images, moved, noise)[..., 4:-4], images[..., 2:-6], atol=1e-3, rtol=0)


def test_blur_removes_fine_patterns_and_keeps_large_ones() -> None:
    pixel = torch.ones(SIZE, SIZE)
    pixel[::2] = -1  # stripes of one pixel
    images = pixel.expand(N, 3, SIZE, SIZE).clone()
    uniform = torch.full((N, COLUMNS), 0.5)
    uniform[:, 10], uniform[:, 4] = 0, 1
    noise = torch.zeros(N, images[0].numel())
    assert random_view(images, uniform, noise, blur=2.0)[..., 4:-4, 4:-4].abs().max() < 0.05
    large = avg_pool2d(random_images(N, SIZE), 9, 1, 4)
    kept = random_view(large, uniform, noise, blur=2.0)
    assert (kept - large).abs().mean() < 0.1


def test_views_pass_gradients_to_the_images() -> None:
    images = random_images(N, SIZE).requires_grad_(True)
    random_view(images, draw("view", COLUMNS), draw("noise", images[0].numel()), blur=1.0).sum().backward()
    assert images.grad is not None and (images.grad.abs() > 0).float().mean() > 0.8


# ---------------------------------------------------------------- network and losses


def test_shapes_and_unit_embeddings() -> None:
    net = network().eval()
    images = random_images(N, SIZE)
    assert [tuple(maps.shape) for maps in net(images)] == [(N, 8, 16, 16), (N, 16, 8, 8), (N, 16, 4, 4)]
    embedding, logits = net.describe(images)
    assert embedding.shape == (N, 16) and logits.shape == (N, 2)
    torch.testing.assert_close(embedding.norm(dim=1), torch.ones(N))


def test_equal_settings_make_equal_networks_whatever_the_run_s_seed() -> None:
    torch.manual_seed(1)
    first = network()
    torch.manual_seed(2)
    second = network()
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(network(seed=1).classifier.weight, first.classifier.weight)


def test_an_unchanged_image_costs_no_embedding_loss_and_another_person_does() -> None:
    net = network().eval()
    same = a_step()
    assert Embedding(network=net, margin=0.99)(same) == 0
    other = a_step()
    other.parts["output"] = torch.randn(N, 3, SIZE, SIZE)  # type: ignore[index]
    before, after = read_source(net, other), read_output(net, other)
    cosine = (before.embedding * after.embedding).sum(1)
    wanted = torch.relu(0.99 - cosine).mean()
    assert wanted > 0
    torch.testing.assert_close(Embedding(network=net, margin=0.99)(other), wanted)


def test_classification_is_cross_entropy_of_the_named_logits() -> None:
    net = network().eval()
    step = a_step(0.3)
    loss = Classification(network=net, guided={"round": False})(step)
    after = read_output(net, step)
    torch.testing.assert_close(loss, binary_cross_entropy_with_logits(after.logits[:, 1], torch.zeros(N)))
    loss.backward()
    gradient = step._generator.change.grad
    assert gradient is not None and gradient.abs() > 0


def test_both_losses_share_one_pass_over_each_image() -> None:
    net = network().eval()
    passes: list[int] = []
    net.stem.register_forward_hook(lambda module, inputs, output: passes.append(len(output)))
    step = a_step()
    Embedding(network=net)(step)
    Classification(network=net, guided={"bright": True})(step)
    assert passes == [N, N]


def test_what_does_not_fit_is_said_before_training(host: Host) -> None:
    class View:
        size = SIZE

    losses = {
        NO_PEOPLE: Embedding(network=Discriminator()),
        NO_ATTRIBUTES: Classification(network=Discriminator(), guided={"a": True}),
    }
    for said, loss in losses.items():
        assert isinstance(loss, ChecksRecipe)
        assert [str(problem) for problem in loss.check_recipe(View())] == [f"network: {said}"]  # type: ignore[arg-type]
    loss = Classification(network=network(), guided={"bright": True, "smiling": True})
    assert [str(p) for p in loss.check_recipe(View())] == [  # type: ignore[arg-type]
        "network.attributes: ['bright', 'round']: smiling is missing"
    ]
    with pytest.raises(DataError, match=r"learns striped, missing in the data set, which has bright, round"):
        network(attributes=("bright", "striped")).check_data(tiny_data())


def test_by_itself_the_network_learns_the_attributes_of_the_task(host: Host) -> None:
    assert network(attributes=()).attributes == ("bright",)
    assert RecognitionNetwork.attributes_read(attributes=(), guided={"round": True}) == ["round"]
    assert RecognitionNetwork.attributes_read(attributes=("bright",), guided={"round": True}) == ("bright",)
    recipe = load("photos", host, ["task.guided={Smiling=true}"])
    assert recipe.identity[1].values["network"].values["guided"] == {"Smiling": True}


def test_a_network_without_embedding_learns_attributes_only(stage: tuple[TrainRecognition, RecognitionNetwork]) -> None:
    net = network(embedding=0)
    assert net.person is None
    embedding, logits = net.eval().describe(random_images(N, SIZE))
    assert embedding.shape == (N, 0) and logits.shape == (N, 2)
    made = TrainRecognition(steps=2, batch_size=8, lr=1e-2)
    made.prepare(a_run(tiny_data()), net)
    assert set(made.step(0)) == {"attributes", "accuracy"}
    problems = [str(problem) for problem in Embedding(network=net).check_recipe(None)]  # type: ignore[arg-type]
    assert problems == ["network.embedding: 0: this loss compares embeddings; 128 is the default"]


def test_the_task_s_attribute_is_the_wanted_one_by_itself(host: Host) -> None:
    table = '{use="classification", network={use="recognition", attributes=["Smiling", "Male"]}}'
    recipe = load("diat_a_gender", host, [f"regularizer=[{table}]", "task.guided={Smiling=true}"])
    assert recipe.regularizer[0].values["guided"] == {"Smiling": True}


# ---------------------------------------------------------------- training


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[TrainRecognition, RecognitionNetwork]:
    monkeypatch.setenv("ATTRXFER_CACHE", str(tmp_path))
    net = network()
    made = TrainRecognition(steps=60, batch_size=16, lr=1e-2)
    made.prepare(a_run(tiny_data()), net)
    return made, net


@pytest.mark.slow
def test_it_learns_people_and_attributes_and_is_frozen_afterwards(
    stage: tuple[TrainRecognition, RecognitionNetwork],
) -> None:
    made, net = stage
    net.train()
    assert net.training and all(p.requires_grad for p in net.parameters())
    history = [{name: float(value) for name, value in made.step(index).items()} for index in range(made.steps)]
    first, last = (
        {name: np.mean([values[name] for values in part]) for name in part[0]} for part in (history[:5], history[-20:])
    )
    assert last["attributes"] < first["attributes"] * 0.75 and last["accuracy"] > first["accuracy"] + 0.1
    assert last["people"] < first["people"] * 0.8
    made.finish()
    net.train()
    assert not net.training and not any(p.requires_grad for p in net.parameters())


def test_the_learning_rate_falls_to_zero(stage: tuple[TrainRecognition, RecognitionNetwork]) -> None:
    made, _ = stage
    rates = []
    for index in (0, 30, 59):
        made.step(index)
        rates.append(made.optimizer.param_groups[0]["lr"])
    np.testing.assert_allclose(rates, [1e-2, 5e-3, 1e-2 * (1 + np.cos(np.pi * 59 / 60)) / 2])


def test_the_trained_network_is_read_from_the_cache(stage: tuple[TrainRecognition, RecognitionNetwork]) -> None:
    made, net = stage
    for index in range(3):
        made.step(index)
    made.finish()
    again, fresh = TrainRecognition(steps=60, batch_size=16, lr=1e-2), network()
    again.prepare(a_run(tiny_data()), fresh)
    assert again.steps == 0
    for a, b in zip(net.state_dict().values(), fresh.state_dict().values(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"blur": 1.0}),
        ({}, {"perturbation": 0.01}),
        ({}, {"dropout": 0.1}),
        ({"attributes": ["bright"]}, {"attributes": ["round"]}),
        ({"embedding": 0}, {"embedding": 0, "side": 16}),
    ],
)
def test_a_network_with_other_settings_is_another_in_the_cache(
    one: dict[str, Any], other: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATTRXFER_CACHE", str(tmp_path))
    keys = []
    for settings in (one, one, other):
        made = TrainRecognition(steps=60, batch_size=16)
        torch.manual_seed(0)
        made.prepare(a_run(tiny_data()), network(**settings))
        keys.append(made.cache_key)
    assert keys[0] == keys[1] != keys[2]


def test_without_identities_each_image_is_a_person_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("ATTRXFER_CACHE", str(tmp_path))
    data = tiny_data()
    data = replace(data, records=replace(data.records, identity=None))
    run = a_run(data)
    train = data.rows("train", None)
    made = TrainRecognition(steps=2, batch_size=4)
    made.prepare(run, network())
    assert "each image counts as a person of its own" in caplog.text
    assert sorted(made.person[train]) == list(range(len(train)))
    assert made.network.people.shape == (len(train), 16)
    made.step(0)


def test_perturbed_views_cost_more_and_differ_by_what_was_asked(stage: tuple[TrainRecognition, RecognitionNetwork]) -> None:
    made, net = stage
    net.perturbation = 0.05
    net.eval()
    batch = made.run.batch("all", 0, 8)
    person, wanted = torch.from_numpy(made.person[batch.rows]), torch.from_numpy(made.labels[batch.rows])
    moved = made._perturbed(batch.images, person, wanted)
    difference = (moved - batch.images).square().mean((1, 2, 3)).sqrt()
    torch.testing.assert_close(difference, torch.full((8,), 0.05), atol=1e-4, rtol=0)

    def loss(images: Tensor) -> float:
        terms, _ = made._terms(images, person, wanted)
        return float(torch.stack(list(terms.values())).sum().detach())

    random = torch.randn(batch.images.shape, generator=torch.Generator().manual_seed(0))
    random = batch.images + 0.05 * random / random.square().mean((1, 2, 3), keepdim=True).sqrt()
    assert loss(moved) > loss(batch.images) and loss(moved) > loss(random)
    assert all(parameter.grad is None for parameter in made.network.parameters())
    net.train()
    assert made.step(0)["people"] > 0


def test_a_network_may_see_images_at_a_smaller_side() -> None:
    images = random_images(N, SIZE)
    small = network(side=16)
    assert [maps.shape[-1] for maps in small(images)] == [8, 4, 2]
    torch.testing.assert_close(small.describe(images).embedding, small.describe(avg_pool2d(images, 2)).embedding)
    with pytest.raises(AttrxferError, match="side = 64 is more than the images' 32 px"):
        network(side=64)
