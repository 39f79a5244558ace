"""One iteration of Algorithm 1: how often each network runs, and every loss and gradient against the equations by hand."""

from __future__ import annotations

import copy
from collections import Counter
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from attrxfer_diat.adversarial import Gan
from attrxfer_diat.discriminator import Discriminator
from attrxfer_diat.generator import MaskedTransformNetwork, TransformNetwork
from attrxfer_diat.identity import Adaptive, Pixels
from attrxfer_diat.image_pool import ImagePool
from attrxfer_diat.regularizer import TotalVariation
from attrxfer_diat.stages import AdversarialTraining, PretrainDiscriminator, PretrainGenerator
from torch import Tensor, nn

from attrxfer.errors import AttrxferError
from attrxfer.interfaces import Batch, PlaysAdversarially
from attrxfer.training.step import Step

N, SIZE = 4, 32


class PlainDevices:
    """Devices without accelerate; it keeps the gradients of each update."""

    def __init__(self) -> None:
        self.device = torch.device("cpu")
        self.optimizer_name = "adam"
        self.gradients: list[list[Tensor]] = []

    def tensor(self, array: Any) -> Tensor:
        return torch.from_numpy(array)

    def autocast(self) -> Any:
        return nullcontext()

    def optimizer(self, network: nn.Module, lr: float, betas: tuple[float, float], weight_decay: float = 0.0) -> Any:
        return torch.optim.Adam(network.parameters(), lr=lr, betas=betas)

    def update(self, optimizer: Any, loss: Tensor) -> None:
        loss.backward()
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        self.gradients.append([torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in parameters])
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    def gather(self, tensor: Tensor) -> Tensor:
        return tensor


def image(*key: int) -> Tensor:
    return torch.rand(N, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(hash(key) % 10_000)) * 2 - 1


@pytest.fixture
def run() -> Any:
    torch.manual_seed(0)
    made = SimpleNamespace(
        generator=TransformNetwork(width=4, blocks=1, norm="none"),
        discriminator=Discriminator(size=SIZE, width=4, hidden=8),
        adversarial=Gan(),
        identity=(Adaptive(scale="paper", weight=0.3),),
        regularizer=(TotalVariation(weight=0.2),),
        enhancer=(),
        devices=PlainDevices(),
    )
    sets = {"input": 1, "guided": 2, "all": 3}
    made.batch = lambda which, index, size: Batch(
        image(sets[which], index), (torch.arange(N) % 2).float(), np.arange(N), np.zeros(N, bool)
    )
    made.uniform = lambda key, index, size, columns: torch.rand(size, columns, generator=torch.Generator().manual_seed(index))
    made.transfer = lambda source, index: Step(
        made.generator,
        made.discriminator,
        made.adversarial,
        source,
        lambda key, columns: made.uniform(key, index, len(source), columns),
    )
    return made


@pytest.fixture
def calls(run: Any) -> Counter[str]:
    count: Counter[str] = Counter()
    for name in ("generator", "discriminator"):
        network = getattr(run, name)
        network.register_forward_hook(lambda m, i, o, name=name: count.update([name]))
    return count


def hand_written(run: Any, x: Tensor, guided: Tensor) -> tuple[dict[str, Tensor], list[Tensor], list[Tensor]]:
    """One D update, then one T update, straight from eq. 3, 12, 13 and 14."""
    T, D = copy.deepcopy(run.generator), copy.deepcopy(run.discriminator)
    losses = {
        "D guided": -torch.log(torch.sigmoid(D(guided).logit)).mean(),
        "D generated": -torch.log(1 - torch.sigmoid(D(T(x).detach()).logit)).mean(),
    }
    total = losses["D guided"] + losses["D generated"]
    gradient_d = list(torch.autograd.grad(total, list(D.parameters())))
    optimizer = torch.optim.Adam(D.parameters(), lr=1e-3, betas=(0.5, 0.999))
    for parameter, gradient in zip(D.parameters(), gradient_d, strict=True):
        parameter.grad = gradient
    optimizer.step()
    output = T(x)
    losses["T attribute"] = -torch.log(torch.sigmoid(D(output).logit)).mean()
    identity = torch.zeros(())
    for layer in (4, 5):
        of_output, of_source = D(output).features[layer - 1], D(x).features[layer - 1]
        _, c, h, w = of_output.shape
        identity = identity + sum((a - b).pow(2).sum() / (2 * c * h * w) for a, b in zip(of_output, of_source, strict=True)) / N
    losses["T identity"] = 0.3 * identity
    across = (output[:, :, :, 1:] - output[:, :, :, :-1]).abs().mean()
    down = (output[:, :, 1:] - output[:, :, :-1]).abs().mean()
    losses["T regularizer"] = 0.2 * (across + down)
    total = losses["T attribute"] + losses["T identity"] + losses["T regularizer"]
    return losses, gradient_d, list(torch.autograd.grad(total, list(T.parameters())))


def test_an_iteration_equals_the_equations_by_hand(run: Any) -> None:
    losses, gradient_d, gradient_t = hand_written(run, image(1, 0), image(2, 0))
    stage = AdversarialTraining(steps=1, batch_size=N, lr=1e-3, dstep=1, pool=0, balance_every=0)
    stage.prepare(run, run.adversarial)
    terms = stage.step(0)
    assert terms.keys() == losses.keys()
    for name, value in losses.items():
        torch.testing.assert_close(terms[name], value.detach(), rtol=1e-4, atol=1e-6, msg=name)
    for own, by_hand in zip(run.devices.gradients, (gradient_d, gradient_t), strict=True):
        for one, other in zip(own, by_hand, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-6)


def test_the_learning_rates_fall_to_zero_over_the_last_part(run: Any) -> None:
    stage = AdversarialTraining(steps=10, batch_size=N, lr=1e-3, lr_discriminator=2e-3, lr_decay=0.4, dstep=1)
    stage.prepare(run, run.adversarial)
    rates = []
    for index in (0, 6, 7, 9):
        stage.step(index)
        rates.append([optimizer.param_groups[0]["lr"] for optimizer in (stage.optimizer_t, stage.optimizer_d)])
    np.testing.assert_allclose(rates, [[1e-3, 2e-3], [1e-3, 2e-3], [0.75e-3, 1.5e-3], [0.25e-3, 0.5e-3]])


@pytest.mark.parametrize("dstep", [1, 3])
@pytest.mark.parametrize("tstep", [1, 2])
def test_nothing_is_computed_twice(run: Any, calls: Counter[str], dstep: int, tstep: int) -> None:
    """T once a T update; D once a D update (guided and generated together) and twice a T update: T(x) and x."""
    run.identity = (Adaptive(), Adaptive(layers=(3,)))
    stage = AdversarialTraining(steps=1, batch_size=N, dstep=dstep, tstep=tstep)
    stage.prepare(run, run.adversarial)
    stage.step(0)
    assert calls == {"generator": tstep, "discriminator": dstep + 2 * tstep}


def test_eq_14_as_printed_has_d_drive_the_features_apart(run: Any, calls: Counter[str]) -> None:
    """The identity term inside max over D: -0.3 times eq. 13 of x and T(x) in what D minimises."""
    run.identity = (Adaptive(scale="paper", discriminator_weight=-0.3),)
    stage = AdversarialTraining(steps=1, batch_size=N, dstep=1, pool=0)
    stage.prepare(run, run.adversarial)
    x = image(1, 0)
    D = copy.deepcopy(run.discriminator)
    ours, theirs = D(run.generator(x).detach()).features, D(x).features
    expected = sum((ours[i] - theirs[i]).pow(2).mean() / 2 for i in (3, 4))
    calls.clear()
    terms = stage.step(0)
    torch.testing.assert_close(terms["D identity"], -0.3 * expected.detach())
    assert calls == {"generator": 1, "discriminator": 4}
    gradient = run.devices.gradients[0]
    without = AdversarialTraining(steps=1, batch_size=N, dstep=1, pool=0)
    run.identity = (Adaptive(scale="paper"),)
    without.prepare(run, run.adversarial)
    assert "D identity" not in without.step(0)
    assert any(not torch.equal(one, other) for one, other in zip(gradient, run.devices.gradients[2], strict=True))


def test_without_an_identity_loss_d_sees_the_output_alone(run: Any, calls: Counter[str]) -> None:
    run.identity = (Pixels(),)
    stage = AdversarialTraining(steps=1, batch_size=N, dstep=1)
    stage.prepare(run, run.adversarial)
    stage.step(0)
    assert calls == {"generator": 1, "discriminator": 2}


def test_augmentation_costs_no_further_pass_and_nothing_is_augmented_in_vain(run: Any, calls: Counter[str]) -> None:
    run.adversarial = Gan(shift=0.1, brightness=0.2, contrast=0.2)
    augment = run.adversarial.augment
    run.adversarial.augment = lambda *arguments: (calls.update(["augment"]), augment(*arguments))[1]
    stage = AdversarialTraining(steps=1, batch_size=N, dstep=2)
    stage.prepare(run, run.adversarial)
    stage.step(0)
    assert calls == {"generator": 1, "discriminator": 4, "augment": 2 * 2 + 2}


def test_the_other_network_is_frozen(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one network is updated no gradient is computed for the other's parameters."""
    seen: list[tuple[bool, bool]] = []
    update = run.devices.update

    def watch(optimizer: Any, loss: Tensor) -> None:
        seen.append(tuple(any(p.requires_grad for p in n.parameters()) for n in (run.generator, run.discriminator)))  # type: ignore[arg-type]
        update(optimizer, loss)
        for network in (run.generator, run.discriminator):
            assert all(p.grad is None for p in network.parameters())

    monkeypatch.setattr(run.devices, "update", watch)
    stage = AdversarialTraining(steps=1, batch_size=N, dstep=2)
    stage.prepare(run, run.adversarial)
    stage.step(0)
    assert seen == [(False, True), (False, True), (True, False)]
    assert all(p.requires_grad for n in (run.generator, run.discriminator) for p in n.parameters())


def test_what_remains_is_the_moving_average(run: Any) -> None:
    run.generator = MaskedTransformNetwork(width=4, blocks=1)
    stage = AdversarialTraining(steps=3, batch_size=N, lr=1e-2, dstep=1, ema=0.9)
    before = [p.detach().clone() for p in run.generator.parameters()]
    stage.prepare(run, run.adversarial)
    average = before
    for index in range(3):
        stage.step(index)
        decay = min(0.9, (index + 1) / (index + 10))
        average = [decay * a + (1 - decay) * p.detach() for a, p in zip(average, run.generator.parameters(), strict=True)]
    statistics = [b.clone() for b in run.generator.buffers()]
    stage.finish()
    for one, other in zip(average, run.generator.parameters(), strict=True):
        torch.testing.assert_close(one, other)
    for one, other in zip(statistics, run.generator.buffers(), strict=True):
        torch.testing.assert_close(one, other)


def test_the_pool_gives_half_old_images(run: Any) -> None:
    pool = ImagePool(2)
    fake = torch.full((N, 3, 2, 2), 9.0)
    assert pool.mix(fake, run.uniform("pool", 0, N, 2)) is fake
    for value in (1.0, 2.0, 3.0):
        pool.add(torch.full((N, 3, 2, 2), value))
    drawn = torch.stack([pool.mix(fake, run.uniform("pool", i, N, 2))[:, 0, 0, 0] for i in range(200)]).flatten()
    assert set(drawn.tolist()) == {2.0, 3.0, 9.0}
    assert 0.4 < (drawn == 9).float().mean() < 0.6


def test_a_pool_of_no_size_stays_empty() -> None:
    pool = ImagePool(0)
    pool.add(torch.ones(N, 3, 2, 2))
    assert pool.state_dict() == {"batches": []}


def test_the_stage_names_ds_terms_as_it_reports_them(run: Any) -> None:
    stage = AdversarialTraining(steps=1, batch_size=N)
    stage.prepare(run, run.adversarial)
    assert isinstance(stage, PlaysAdversarially)
    assert stage.discriminator_terms.names == ("D guided", "D generated")
    assert set(stage.discriminator_terms.names) <= stage.step(0).keys()
    assert stage.discriminator_terms.chance == run.adversarial.discriminator_terms.chance


@pytest.mark.slow
def test_a_stopped_stage_goes_on_exactly(run: Any) -> None:
    """Average, its count and the pool are in the stage's state."""
    run.generator = MaskedTransformNetwork(width=4, blocks=1)

    def stage() -> AdversarialTraining:
        made = AdversarialTraining(steps=4, batch_size=N, dstep=1, ema=0.3, pool=2)
        made.prepare(run, run.adversarial)
        return made

    first = stage()
    for index in range(2):
        first.step(index)
    state = copy.deepcopy(first.state_dict())
    networks = copy.deepcopy((run.generator.state_dict(), run.discriminator.state_dict()))
    for index in (2, 3):
        first.step(index)
    run.generator.load_state_dict(networks[0])
    run.discriminator.load_state_dict(networks[1])
    second = stage()
    second.load_state_dict(state)
    assert second.image_pool.count == 2
    for index in (2, 3):
        second.step(index)
    assert int(second.ema_generator.n_averaged) == int(first.ema_generator.n_averaged) == 5
    for one, other in zip(second.ema_generator.state_dict().values(), first.ema_generator.state_dict().values(), strict=True):
        assert torch.equal(one, other)


def test_contrast_and_brightness_by_hand() -> None:
    images, uniform = image(1, 0), torch.rand(N, 8, generator=torch.Generator().manual_seed(0))
    signed = (2 * uniform - 1).view(N, 8, 1, 1, 1)
    mean = images.mean((1, 2, 3), keepdim=True)
    expected = mean + (images - mean) * (1 + 0.8 * signed[:, 2]) + 0.6 * signed[:, 3]
    assert expected.abs().max() > 1  # nothing is clipped
    torch.testing.assert_close(Gan(brightness=0.6, contrast=0.8).augment(images, uniform), expected)


def test_pretraining_follows_eq_8_and_9(run: Any) -> None:
    stage = PretrainGenerator(steps=1, batch_size=N)
    stage.prepare(run, None)
    images = image(3, 0)
    expected = (run.generator(images) - images).pow(2).mean()
    torch.testing.assert_close(stage.step(0)["reconstruction"], expected.detach())
    labelling = PretrainDiscriminator(steps=1, batch_size=N)
    labelling.prepare(run, None)
    labels = (torch.arange(N) % 2).float()
    expected = (torch.sigmoid(run.discriminator(images).logit) - labels).pow(2).mean()
    torch.testing.assert_close(labelling.step(0)["label"], expected.detach())


def test_relative_scale_ignores_the_size_of_features(run: Any) -> None:
    def step(factor: float) -> Any:
        from attrxfer.interfaces import Discrimination

        generator = torch.Generator().manual_seed(0)
        maps = {n: factor * torch.rand(N, 3, 4, 4, generator=generator) for n in ("source", "output")}
        return SimpleNamespace(
            source="source", output="output", discriminate=lambda n: Discrimination(torch.zeros(N), (maps[n],) * 5)
        )

    relative, paper = Adaptive(scale="relative"), Adaptive(scale="paper")
    torch.testing.assert_close(relative(step(1.0)), relative(step(100.0)))
    torch.testing.assert_close(paper(step(100.0)), paper(step(1.0)) * 1e4, rtol=1e-4, atol=0)


def test_r1_is_the_squared_gradient_at_guided_images(run: Any) -> None:
    gan = Gan(r1=2.0, r1_every=2)
    guided, generated = image(2, 0), image(1, 0)
    terms = gan.discriminator_loss(run.discriminator, guided, generated, 0)
    leaf = guided.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(run.discriminator(leaf).logit.sum(), leaf)
    torch.testing.assert_close(terms["r1"], 2.0 * 2 / 2 * gradient.pow(2).sum((1, 2, 3)).mean())
    assert "r1" not in gan.discriminator_loss(run.discriminator, guided, generated, 1)


def test_equal_rows_augment_equally_and_differentiably() -> None:
    gan = Gan(shift=0.2, brightness=0.3, contrast=0.3)
    images = torch.rand(2, 3, SIZE, SIZE).expand(2, -1, -1, -1).clone().requires_grad_(True)
    uniform = torch.rand(1, 8).expand(2, -1)
    images_equal = images[:1].expand(2, -1, -1, -1)
    augmented = gan.augment(images_equal, uniform)
    torch.testing.assert_close(augmented[0], augmented[1])
    assert not torch.allclose(augmented, images_equal)
    augmented.sum().backward()
    assert images.grad is not None and images.grad.abs().sum() > 0


def test_no_augmentation_is_the_identity() -> None:
    images = torch.rand(2, 3, 8, 8)
    assert Gan().augment(images, torch.rand(2, 8)) is images


def test_layers_that_do_not_exist_are_named(run: Any) -> None:
    run.identity = (Adaptive(layers=(9,)),)
    stage = AdversarialTraining(steps=1, batch_size=N)
    stage.prepare(run, run.adversarial)
    with pytest.raises(AttrxferError, match="layers 1 to 6"):
        stage.step(0)
