"""The forms of the attribute loss and the penalties, by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from attrxfer_diat.adversarial import Gan
from torch import Tensor, nn
from torch.nn.functional import softplus

from attrxfer.errors import AttrxferError
from attrxfer.interfaces import ComparesReal, Discrimination
from attrxfer.testing.fakes import Discriminator, Generator, a_run, random_images, tiny_data
from attrxfer.training.step import Step

REAL, FAKE = torch.tensor([2.0, -0.5]), torch.tensor([-3.0, 1.0])


class Scaled(nn.Module):
    """An image's logit is a number times its mean: the gradient of the logit has the norm number / sqrt(values)."""

    def __init__(self, number: float) -> None:
        super().__init__()
        self.number = number

    def forward(self, images: Tensor) -> Discrimination:
        return Discrimination(self.number * images.mean((1, 2, 3)), (images,))


def of(logits: Tensor) -> Tensor:
    return logits.view(-1, 1, 1, 1).expand(-1, 3, 4, 4)


@pytest.mark.parametrize(
    ("loss", "guided", "generated", "fooled"),
    [
        ("cross_entropy", softplus(-REAL).mean(), softplus(FAKE).mean(), softplus(-FAKE).mean()),
        ("least_squares", (0.25 + 0.5625) / 2, (1 + 1) / 2, (4 + 0) / 2),
        ("hinge", (0 + 1.5) / 2, (0 + 2) / 2, 1.0),
        ("wasserstein", -0.75, -1.0, 1.0),
    ],
)
def test_each_form_by_hand(loss: Any, guided: float, generated: float, fooled: float) -> None:
    gan = Gan(loss=loss)
    terms = gan.discriminator_loss(Scaled(1), of(REAL), of(FAKE), 0)
    assert terms.keys() == {"guided", "generated"}
    assert float(terms["guided"]) == pytest.approx(float(guided), abs=1e-6)
    assert float(terms["generated"]) == pytest.approx(float(generated), abs=1e-6)
    assert float(gan.generator_loss(FAKE)) == pytest.approx(float(fooled), abs=1e-6)
    assert not gan.compares_real


@pytest.mark.parametrize("loss", ["cross_entropy", "least_squares", "hinge", "relativistic"])
def test_chance_is_what_d_pays_when_it_guesses(loss: Any) -> None:
    gan, none = Gan(loss=loss), torch.zeros(3)
    terms = gan.discriminator_loss(Scaled(1), of(none), of(none), 0)
    assert tuple(terms) == gan.discriminator_terms.names
    assert float(sum(terms.values())) == pytest.approx(gan.discriminator_terms.chance)


def test_the_wasserstein_loss_has_no_chance_and_asks_for_a_penalty() -> None:
    assert Gan(loss="wasserstein").discriminator_terms.names == ()
    problems = [problem.path for problem in Gan(loss="wasserstein").check_recipe(None)]  # type: ignore[arg-type]
    assert problems == ["gradient_penalty"]
    assert not list(Gan(loss="wasserstein", gradient_penalty=10).check_recipe(None))  # type: ignore[arg-type]


def test_pairs_are_compared_on_both_sides() -> None:
    gan = Gan(loss="relativistic")
    terms = gan.discriminator_loss(Scaled(1), of(REAL), of(FAKE), 0)
    expected = (math.log(1 + math.exp(-5)) + math.log(1 + math.exp(1.5))) / 2
    assert float(terms["pairs"]) == pytest.approx(expected, rel=1e-5)
    expected = (math.log(1 + math.exp(5)) + math.log(1 + math.exp(-1.5))) / 2
    assert float(gan.compared_loss(FAKE, REAL)) == pytest.approx(expected, rel=1e-5)


def test_penalties_by_hand() -> None:
    """The squared norm of the gradient of 6 times the mean of 48 values is 36 / 48."""
    gan = Gan(r1=2.0, r2=4.0, r1_every=3, gradient_penalty=10.0)
    terms = gan.discriminator_loss(Scaled(6), of(REAL), of(FAKE), 0)
    assert float(terms["r1"]) == pytest.approx(2 * 3 / 2 * 36 / 48)
    assert float(terms["r2"]) == pytest.approx(4 * 3 / 2 * 36 / 48)
    assert float(terms["gradient penalty"]) == pytest.approx(10 * (math.sqrt(36 / 48) - 1) ** 2, rel=1e-4)
    assert gan.discriminator_loss(Scaled(6), of(REAL), of(FAKE), 1).keys() == {"guided", "generated", "gradient penalty"}


def test_d_of_patches_pays_for_each_patch() -> None:
    """The mean of the costs, not the cost of the mean."""
    gan = Gan(loss="hinge")
    assert float(gan.generator_loss(torch.tensor([[1.0, 3.0]]))) == -2
    patches = lambda images: Discrimination(images.flatten(1), (images,))  # noqa: E731
    terms = gan.discriminator_loss(patches, torch.tensor([[[[3.0, -1.0]]]]), torch.tensor([[[[0.0, 0.0]]]]), 0)
    assert float(terms["guided"]) == 1.0


def test_t_s_loss_of_pairs_sees_real_images_once_and_other_losses_none() -> None:
    drawn: list[int] = []

    def draw() -> Tensor:
        drawn.append(1)
        return random_images(2, seed=5)

    def step(gan: Gan) -> Step:
        torch.manual_seed(0)
        return Step(Generator(), Discriminator(), gan, random_images(2), lambda key, columns: torch.zeros(2, columns), draw)

    assert isinstance(Gan(), ComparesReal)
    _ = step(Gan()).attribute_loss
    assert not drawn
    made = step(Gan(loss="relativistic"))
    loss = made.attribute_loss
    generated, real = made.discriminate(made.output).logit, made.discriminate(made.real).logit
    assert len(drawn) == 1 and not real.requires_grad
    torch.testing.assert_close(loss, softplus(real - generated).mean())


def test_a_step_generates_from_any_images_and_without_real_ones_says_so() -> None:
    run = a_run(tiny_data())
    step = run.transfer(random_images(2), 0)
    other = random_images(2, seed=3)
    torch.testing.assert_close(step.generate(step.source), step.output)
    torch.testing.assert_close(step.generate(other, -torch.ones(2, 2)), run.generator(other, -torch.ones(2, 2)))
    assert step.change is not None and torch.equal(step.change.back, -step.change.asked)
    bare = Step(run.generator, run.discriminator, Gan(), other, lambda key, columns: torch.zeros(2, columns))
    with pytest.raises(AttrxferError, match="no real images"):
        _ = bare.real
    with pytest.raises(ValueError, match="its own"):
        step.discriminate(other)
