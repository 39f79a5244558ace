"""Checks of networks."""

from __future__ import annotations

import torch

from attrxfer.interfaces import Discrimination, HasParts
from attrxfer.testing.contract.pieces import call, equal, in_range, maps
from attrxfer.testing.fakes import BATCH, SIZE, random_images
from attrxfer.testing.subject import Subject


def check_images_come_out_as_they_went_in(subject: Subject) -> None:
    """Results have the shape (N, 3, S, S) of the images, at two sizes, and in eval mode finite values in -1..1."""
    network = subject.build().eval()
    for size in (SIZE, 2 * SIZE):
        with torch.no_grad():
            output = network(random_images(2, size))
        assert output.shape == (2, 3, size, size), f"{tuple(output.shape)} for images of side {size}"
        in_range(output)


def check_an_image_does_not_depend_on_its_neighbours(subject: Subject) -> None:
    """In eval mode, the result of an image is the same alone and in a batch."""
    network = subject.build().eval()
    images = random_images(3)
    with torch.no_grad():
        whole, alone = network(images), network(images[1:2])
    torch.testing.assert_close(whole[1:2], alone, rtol=1e-3, atol=1e-4)


def check_every_parameter_learns(subject: Subject) -> None:
    network = subject.build().train()
    network(random_images(BATCH).requires_grad_(True)).square().mean().backward()
    idle = [name for name, parameter in network.named_parameters() if parameter.grad is None]
    assert not idle, f"no gradient reaches {', '.join(idle)}"


def check_parts_hold_the_output(subject: Subject) -> None:
    """If a generator has ``parts``, they hold its output, and a mask is in 0..1."""
    network = subject.build().eval()
    parts_of = network.parts if isinstance(network, HasParts) else None
    if parts_of is None:
        return
    with torch.no_grad():
        parts, output = parts_of(random_images()), network(random_images())
    torch.testing.assert_close(parts["output"], output)
    if "mask" in parts:
        assert parts["mask"].shape == (2, 1, SIZE, SIZE) and 0 <= parts["mask"].min() <= parts["mask"].max() <= 1


def check_weights_load_again(subject: Subject) -> None:
    """A new network with the same weights gives the same results."""
    first, second = subject.build().eval(), subject.build().eval()
    second.load_state_dict(first.state_dict())
    with torch.no_grad():
        equal(call(first), call(second))


def check_it_gives_a_logit_and_feature_maps(subject: Subject) -> None:
    found = subject.build()(random_images(3))
    assert found.logit.ndim in (1, 2) and len(found.logit) == 3, f"logit {tuple(found.logit.shape)}: (N,), or (N, patches)"
    maps(found.features, 3)


def check_gradients_reach_the_image(subject: Subject) -> None:
    network = subject.build()
    images = random_images().requires_grad_(True)
    found = network(images)
    maps = found.features if isinstance(found, Discrimination) else found
    torch.stack([each.float().square().mean() for each in maps]).sum().backward()
    assert images.grad is not None and images.grad.abs().sum() > 0


def check_it_is_frozen_and_gives_maps(subject: Subject) -> None:
    """Parameters of a features network are frozen outside a stage of its own."""
    network = subject.build()
    assert not any(parameter.requires_grad for parameter in network.parameters()), "parameters can be trained by accident"
    maps(network(random_images(3)), 3)
