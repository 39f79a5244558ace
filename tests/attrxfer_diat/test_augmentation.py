"""What D sees instead of images, and how often (ADA)."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from attrxfer_diat.adversarial import Gan
from attrxfer_diat.augmentation import Augmentation
from attrxfer_diat.stages import AdversarialTraining

from attrxfer.plugin import host as hosts
from attrxfer.recipe import load
from attrxfer.workflows.check import check
from tests.attrxfer_diat.test_update import N, run  # noqa: F401  (a fixture)

SIZE = 16


def numbers(**columns: float) -> torch.Tensor:
    """Random numbers of one image: in the middle, where nothing changes, but for the columns given."""
    uniform = torch.full((1, 8), 0.5)
    for name, value in columns.items():
        uniform[:, ["x", "y", "contrast", "brightness", "angle", "size", "moved", "coloured"].index(name)] = value
    return uniform


def dot(x: int, y: int) -> torch.Tensor:
    image = torch.zeros(1, 3, SIZE, SIZE)
    image[:, :, y, x] = 1.0
    return image


def place(image: torch.Tensor) -> tuple[float, float]:
    """The centre of mass, x and y."""
    mass, steps = image[0, 0], torch.arange(SIZE, dtype=torch.float32)
    return float((mass.sum(0) * steps).sum() / mass.sum()), float((mass.sum(1) * steps).sum() / mass.sum())


def test_an_image_is_turned_around_its_centre() -> None:
    turn = Augmentation(0, 90, 0, 0, 0)
    x, y = place(turn(dot(12, 7), numbers(angle=1.0), 1.0))
    assert abs(abs(y - 7.5) - 4.5) < 0.1 and abs(abs(x - 7.5) - 0.5) < 0.1
    assert place(turn(dot(12, 7), numbers(angle=0.5), 1.0)) == pytest.approx((12, 7), abs=1e-3)


def test_an_image_is_enlarged_from_its_centre_and_moved() -> None:
    larger = Augmentation(0, 0, 1, 0, 0)
    assert place(larger(dot(10, 7), numbers(size=1.0), 1.0)) == pytest.approx((12.5, 6.5), abs=0.1)
    assert place(larger(dot(10, 7), numbers(size=0.0), 1.0))[0] == pytest.approx(8.75, abs=0.3)
    both = Augmentation(0.25, 0, 0.001, 0, 0)
    assert place(both(dot(6, 7), numbers(x=1.0), 1.0)) == pytest.approx((10, 7), abs=0.05), "a quarter of 16 pixels"


def test_only_some_images_are_moved_or_coloured() -> None:
    images = torch.rand(2, 3, SIZE, SIZE)
    uniform = torch.cat([numbers(x=1.0, brightness=1.0, moved=0.1, coloured=0.9), numbers(x=1.0, brightness=1.0, moved=0.9)])
    found = Augmentation(0.25, 0, 0, 0.5, 0)(images, uniform, 0.6)
    assert not torch.allclose(found[0, :, :, 4:], images[0, :, :, 4:], atol=1e-3)
    torch.testing.assert_close(found[0, :, :, 4:], images[0, :, :, :-4], atol=1e-4, rtol=0)
    torch.testing.assert_close(found[1], images[1] + 0.5, atol=1e-4, rtol=0)
    torch.testing.assert_close(Augmentation(0.25, 10, 0.2, 0.5, 0.5)(images, uniform, 0.0), images, atol=1e-4, rtol=0)


def test_images_of_lower_precision_are_moved_by_the_same_pixels() -> None:
    images = (torch.rand(200, 3, 64, 64) * 2 - 1).bfloat16()
    augmentation = Augmentation(shift=0.08, rotate=10, zoom=0.1, brightness=0.1, contrast=0.1)
    uniform = torch.rand(200, 8)
    assert torch.equal(augmentation(images, uniform, 1.0), augmentation(images.float(), uniform, 1.0))


def test_the_probability_follows_the_signs_of_the_logits() -> None:
    gan = Gan(shift=0.1, adaptive=0.6, adaptive_images=40)
    assert gan.probability == 0 and Gan(shift=0.1).probability == 1
    for _ in range(3):
        gan.adapt(torch.tensor([1.0, 2.0, 0.5, 3.0]))
    assert gan.probability == pytest.approx(0.3), "the mean sign is 1"
    gan.adapt(torch.tensor([1.0, 2.0, -0.5, 3.0]))
    assert gan.probability == pytest.approx(0.2), "the mean sign is 0.5"
    for _ in range(9):
        gan.adapt(torch.tensor([-1.0, -1.0, -1.0, -1.0]))
    assert gan.probability == 0
    fixed = Gan(shift=0.1)
    fixed.adapt(torch.ones(4))
    assert fixed.probability == 1


def test_training_adapts_it_reports_it_and_resumes_with_it(run: Any) -> None:  # noqa: F811
    def stage() -> tuple[AdversarialTraining, Gan]:
        run.adversarial = Gan(shift=0.1, adaptive=0.5, adaptive_images=2 * N)
        made = AdversarialTraining(steps=4, batch_size=N, dstep=2)
        made.prepare(run, run.adversarial)
        return made, run.adversarial

    training, gan = stage()
    with torch.no_grad():
        run.discriminator.requires_grad_(True)
        for parameter in run.discriminator.parameters():
            parameter.zero_()
        list(run.discriminator.parameters())[-1].fill_(5.0)  # every logit is 5: D is sure of the guided images
    report = training.step(0)
    assert float(report["augmentation"]) == gan.probability == 1.0
    again, other = stage()
    assert other.probability == 0
    again.load_state_dict(training.state_dict())
    assert other.probability == 1.0


def test_an_adaptive_probability_of_nothing_is_a_problem_of_the_recipe() -> None:
    settings = ["adversarial.adaptive=0.6", *(f"adversarial.{name}=0" for name in ("shift", "brightness", "contrast"))]
    (found,) = check(load("diat_a_gender", hosts.load(), settings), hosts.load()).problems
    assert found.path == "adversarial.adaptive" and "no augmentation is set" in found.message
