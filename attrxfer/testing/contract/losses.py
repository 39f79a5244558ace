"""Checks of losses and enhancers."""

from __future__ import annotations

import copy

import torch

from attrxfer.testing.contract.pieces import in_range
from attrxfer.testing.fakes import BATCH, SIZE, Discriminator, a_run, random_images, tiny_data
from attrxfer.testing.subject import Subject


def check_both_sides_are_finite_scalars(subject: Subject) -> None:
    term, discriminator = subject.build(), Discriminator()
    terms = term.discriminator_loss(discriminator, random_images(seed=1), random_images(seed=2), 0)
    assert terms, "no terms for D"
    for name, value in {**terms, "generator": term.generator_loss(torch.randn(BATCH))}.items():
        assert value.shape == () and torch.isfinite(value), name
    torch.stack(list(terms.values())).sum().backward()
    assert all(parameter.grad is not None for parameter in discriminator.parameters())


def check_a_fooled_discriminator_costs_the_generator_less(subject: Subject) -> None:
    term = subject.build()
    assert term.generator_loss(torch.full((BATCH,), 3.0)) < term.generator_loss(torch.full((BATCH,), -3.0))


def check_equal_rows_augment_equally(subject: Subject) -> None:
    term = subject.build()
    images = random_images(1).expand(2, -1, -1, -1).clone().requires_grad_(True)
    augmented = term.augment(images, torch.full((2, 8), 0.7))
    assert augmented.shape == images.shape
    torch.testing.assert_close(augmented[0], augmented[1])
    (gradient,) = torch.autograd.grad(augmented.sum(), images)
    assert gradient.abs().sum() > 0, "T's gradient does not pass the augmentation"


def check_it_is_a_finite_scalar_with_gradient(subject: Subject) -> None:
    """It also has a weight, which the stage applies."""
    loss = subject.build()
    assert loss.weight >= 0
    run = a_run(tiny_data())
    value = loss(run.transfer(random_images(), 0))
    assert value.shape == () and torch.isfinite(value), f"the loss is {value.detach()}"
    value.backward()
    gradients = [parameter.grad for parameter in run.generator.parameters() if parameter.grad is not None]
    assert sum(float(gradient.abs().sum()) for gradient in gradients) > 0, "no gradient reaches T"


def check_a_copy_of_the_source_costs_nothing(subject: Subject) -> None:
    """An identity loss is 0 when T(x) is x, and more when it is not."""
    loss, run = subject.build(), a_run(tiny_data())
    changed = loss(run.transfer(random_images(), 0))
    run.generator.head.bias.data[3] = -1e4  # the mask closes: T(x) = x
    run.generator.head.weight.data[3] = 0
    same = loss(run.transfer(random_images(), 0))
    costs = float(same.detach()), float(changed.detach())
    assert abs(costs[0]) < 1e-6 < costs[1], f"the loss is {costs[0]:.3g} where T(x) is x, and {costs[1]:.3g} where it is not"


def check_d_is_left_as_it_was(subject: Subject) -> None:
    """A loss of T does not change D's parameters, which stay frozen and without gradients."""
    loss, run = subject.build(), a_run(tiny_data())
    run.discriminator.requires_grad_(False)
    before = copy.deepcopy(run.discriminator.state_dict())
    loss(run.transfer(random_images(), 0)).backward()
    assert all(torch.equal(value, before[name]) for name, value in run.discriminator.state_dict().items())
    for name, parameter in run.discriminator.named_parameters():
        assert not parameter.requires_grad, f"{name} of D is no longer frozen"
        assert parameter.grad is None, f"{name} of D has a gradient"


def check_enhanced_images_stay_images(subject: Subject) -> None:
    enhancer = subject.build().eval()
    with torch.no_grad():
        output = enhancer(random_images(seed=1), random_images(seed=2))
    assert output.shape == (2, 3, SIZE, SIZE)
    in_range(output)
