"""The losses by hand, and how the stages train what they bring."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
import torch
from attrxfer_diat.stages import AdversarialTraining
from attrxfer_rivals.cycle import Cycle
from attrxfer_rivals.mask import AttributeRatio
from attrxfer_rivals.reconstruction import ChangedBack, Unchanged
from torch import Tensor, nn

from attrxfer.errors import AttrxferError
from attrxfer.interfaces import Change, Discrimination, HasDiscriminator, HasGenerator
from attrxfer.testing.fakes import Discriminator, Gan, Run, a_run, random_images, tiny_data
from attrxfer.training.step import Step


class Plus(nn.Module):
    """Adds a number to the image."""

    def __init__(self, number: float) -> None:
        super().__init__()
        self.number = nn.Parameter(torch.tensor(number))

    def forward(self, images: Tensor) -> Tensor:
        return images + self.number


class Mean(nn.Module):
    """The mean of each image is its logit."""

    def forward(self, images: Tensor) -> Discrimination:
        return Discrimination(images.mean((1, 2, 3)), (images,))


def flat(value: float) -> Tensor:
    return torch.full((2, 3, 16, 16), value)


def step_of(generator: nn.Module, change: Change | None = None) -> Step:
    """x is 0.1 everywhere, y is 0.4."""
    zeros = lambda key, columns: torch.zeros(2, columns)  # noqa: E731
    return Step(generator, Discriminator(), Gan(), flat(0.1), zeros, lambda: flat(0.4), change)


def test_the_cycle_by_hand() -> None:
    """T adds 0.2, F takes 0.5: F(T(x)) is x - 0.3, T(F(y)) is y - 0.3, T(y) is y + 0.2, F(x) is x - 0.5, F(y) is -0.1."""
    loss = Cycle(generator=Plus(-0.5), discriminator=Mean(), cycle=10, identity=5)
    assert isinstance(loss, HasGenerator) and isinstance(loss, HasDiscriminator)
    fooled = ((-0.1 - 1) / 2) ** 2
    assert loss(step_of(Plus(0.2))).item() == pytest.approx(fooled + 10 * (0.3 + 0.3) + 5 * (0.2 + 0.5))
    loss.identity = 0.0
    assert loss(step_of(Plus(0.2))).item() == pytest.approx(fooled + 6)
    made = loss.own_discriminator_loss(flat(0.4), flat(0.1), flat(9.0))
    assert float(made["back"]) == pytest.approx(((0.1 - 1) / 2) ** 2 + ((-0.1 + 1) / 2) ** 2)


@pytest.fixture
def training() -> tuple[AdversarialTraining, Cycle, Any]:
    torch.manual_seed(0)
    loss = Cycle(generator=nn.Conv2d(3, 3, 3, padding=1), discriminator=Discriminator())
    run: Any = replace(a_run(tiny_data()), regularizer=(loss,))
    stage = AdversarialTraining(steps=2, batch_size=4, dstep=2, pool=0)
    stage.prepare(run, None)  # type: ignore[arg-type]
    return stage, loss, run


def test_both_generators_and_both_discriminators_are_trained(training: tuple[AdversarialTraining, Cycle, Any]) -> None:
    stage, loss, run = training
    discriminator: Any = loss.discriminator
    networks = (run.generator.head, run.discriminator.layers, loss.generator, discriminator.layers)
    before = [copy.deepcopy(list(network.parameters())) for network in networks]
    assert {"D back", "T regularizer"} <= stage.step(0).keys()
    for old, network in zip(before, networks, strict=True):
        for one, other in zip(old, network.parameters(), strict=True):
            assert not torch.equal(one, other)


def test_d_s_update_leaves_both_generators_without_gradients(training: tuple[AdversarialTraining, Cycle, Any]) -> None:
    stage, loss, run = training
    stage.tstep = 0
    before = copy.deepcopy(list(loss.generator.parameters()))
    stage.step(0)
    for old, new in zip(before, loss.generator.parameters(), strict=True):
        assert torch.equal(old, new) and new.grad is None and new.requires_grad
    assert all(parameter.requires_grad for parameter in run.generator.parameters())


class Told(nn.Module):
    """Adds a tenth of the first number of the change."""

    attributes = ("bright", "round")

    def parts(self, images: Tensor, change: Tensor | None = None) -> dict[str, Tensor]:
        return {"output": self(images, change)}

    def forward(self, images: Tensor, change: Tensor | None = None) -> Tensor:
        assert change is not None
        return images + 0.1 * change[:, :1, None, None] + 0.01


def test_what_is_changed_back_and_what_is_left_by_hand() -> None:
    asked = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    back = torch.tensor([[-1.0, 0.0], [1.0, 0.0]])  # the second image had the attribute already
    step = step_of(Told(), Change(asked, back))
    torch.testing.assert_close(step.output, flat(0.21))
    assert float(ChangedBack()(step)) == pytest.approx((0.02 + 0.22) / 2, abs=1e-6)
    assert float(Unchanged()(step)) == pytest.approx(0.01, abs=1e-6)


@pytest.mark.parametrize("loss", [ChangedBack(), Unchanged()])
def test_a_generator_for_one_task_is_refused(loss: Any) -> None:
    with pytest.raises(AttrxferError, match=r"regularizer (changed_back|unchanged): .* stargan|is not told what to change"):
        loss(step_of(Plus(0.2)))


def test_the_mask_costs_only_what_exceeds_the_ratio() -> None:
    class Masked(nn.Module):
        def parts(self, images: Tensor) -> dict[str, Tensor]:
            covered = torch.zeros(2, 1, 16, 16)
            covered[0, :, :8] = 1.0  # half of the first image, nothing of the second
            return {"output": images, "mask": covered}

    assert float(AttributeRatio(ratio=0.3)(step_of(Masked()))) == pytest.approx((0.2 + 0) / 2)
    assert float(AttributeRatio(ratio=0.6)(step_of(Masked()))) == 0
    with pytest.raises(AttrxferError, match="makes no mask"):
        AttributeRatio()(step_of(Plus(0.2)))


def test_images_that_t_sees_for_real_are_others_than_d_sees() -> None:
    run: Run = a_run(tiny_data())
    assert run.transfer(random_images(4), 0).real.shape == (4, 3, 32, 32)
