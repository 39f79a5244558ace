"""The discriminator of patches, and how the adversarial stage trains a discriminator that a loss brings."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
import torch
from attrxfer_diat.patches import PatchDiscriminator, Patches
from attrxfer_diat.stages import AdversarialTraining
from torch import Tensor, nn

from attrxfer.interfaces import HasDiscriminator
from attrxfer.plugin.host import Host
from attrxfer.recipe import load
from attrxfer.recipe.assembly import Assembly
from attrxfer.testing.fakes import BATCH, SIZE, a_run, random_images, tiny_data


def test_a_logit_sees_a_patch_of_34_pixels() -> None:
    network = PatchDiscriminator(8).eval()
    images = torch.zeros(1, 3, 64, 64, requires_grad=True)
    logits = network(images)
    assert logits.shape == (1, 1, 14, 14)
    (gradient,) = torch.autograd.grad(logits[0, 0, 7, 7], images)
    seen = gradient.abs().sum((0, 1)).nonzero()
    assert (seen.amax(0) - seen.amin(0) + 1).tolist() == [34, 34]


def test_its_convolutions_have_a_spectral_norm_of_one() -> None:
    network = PatchDiscriminator(8)
    for _ in range(50):
        network(random_images(2, SIZE))
    network.eval()
    for layer in network.layers:
        if isinstance(layer, nn.Conv2d):
            assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1, abs=0.02)


class Logits(nn.Module):
    """The mean of each image is its logit."""

    def forward(self, images: Tensor) -> Tensor:
        return images.mean((1, 2, 3))


def test_the_hinge_loss_by_hand() -> None:
    loss = Patches()
    loss.discriminator = Logits()  # type: ignore[assignment]
    real, generated = (torch.tensor(values).view(-1, 1, 1, 1).expand(-1, 3, 8, 8) for values in ([0.5, 2.0], [-3.0, 1.0]))
    guided, source = torch.cat([9 * real[:1], real[:1]]), torch.cat([real[1:], 9 * real[1:]])
    found = loss.own_discriminator_loss(guided, source, generated)["patches"].item()
    assert found == pytest.approx((0.5 + 0) / 2 + (0 + 2) / 2), "the second half of guided, the first of source"


def test_t_raises_the_logits_of_its_output() -> None:
    run, loss = a_run(tiny_data()), Patches(width=4)
    step = run.transfer(random_images(BATCH, SIZE), 0)
    loss.discriminator.eval()
    torch.testing.assert_close(loss(step), -loss.discriminator(step.output).mean())


@pytest.fixture
def training() -> tuple[AdversarialTraining, Patches]:
    torch.manual_seed(0)
    loss = Patches(width=4)
    assert isinstance(loss, HasDiscriminator)
    run: Any = replace(a_run(tiny_data()), regularizer=(loss, Patches(width=4)))
    stage = AdversarialTraining(steps=2, batch_size=BATCH, dstep=2, pool=0)
    stage.prepare(run, None)
    return stage, loss


def test_a_loss_s_own_discriminator_is_trained_whenever_d_is(training: tuple[AdversarialTraining, Patches]) -> None:
    stage, loss = training
    seen: list[tuple[int, int]] = []
    judge = loss.own_discriminator_loss

    def watched(real: Tensor, source: Tensor, generated: Tensor) -> Any:
        assert len(source) == len(real)
        seen.append((len(real), len(generated)))
        return judge(real, source, generated)

    loss.own_discriminator_loss = watched  # type: ignore[method-assign]
    before = copy.deepcopy(list(loss.discriminator.parameters()))
    report = stage.step(0)
    assert seen == [(BATCH, BATCH)] * 2
    assert {"D patches", "D patches 2", "T regularizer", "T regularizer 2"} <= set(report)
    assert all(not torch.equal(old, new) for old, new in zip(before, loss.discriminator.parameters(), strict=True))


def test_t_s_update_leaves_it_as_it_was(training: tuple[AdversarialTraining, Patches]) -> None:
    stage, loss = training
    stage.dstep = 0
    before = copy.deepcopy(list(loss.discriminator.parameters()))
    stage.step(0)
    for old, new in zip(before, loss.discriminator.parameters(), strict=True):
        assert torch.equal(old, new) and new.grad is None and new.requires_grad


def test_it_is_placed_and_stored_as_every_network_of_a_recipe(host: Host) -> None:
    assembly = Assembly(load("photos", host))
    assembly.build_training()
    held = [network for network in assembly.networks().values() if isinstance(network, PatchDiscriminator)]
    assert held == [loss.discriminator for loss in assembly.many("regularizer") if isinstance(loss, Patches)]
    assert len(held) == 1
