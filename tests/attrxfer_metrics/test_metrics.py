"""Known answers: the truth itself, a copy of the input, noise, swapped labels."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from attrxfer_metrics.cost import Cost
from attrxfer_metrics.kid import interval
from attrxfer_metrics.preserved import Preserved
from attrxfer_metrics.truth import NO_ERROR, Truth
from numpy.typing import NDArray

from attrxfer.model.torch_model import TorchModel

SIZE = 32


def smooth(seed: int, count: int = 6) -> NDArray[np.uint8]:
    coarse = np.random.default_rng(seed).integers(0, 256, (count, 4, 4, 3))
    return coarse.repeat(SIZE // 4, 1).repeat(SIZE // 4, 2).astype(np.uint8)


def scores(outputs: NDArray[np.uint8], truth: NDArray[np.uint8] | None) -> Any:
    """Means of the metric ``truth``."""
    given = SimpleNamespace(sources=smooth(0), outputs=outputs, truth=truth, model=None)
    return {name: found.values.mean() for name, found in Truth()(given).items()}


def test_the_truth_itself_a_copy_and_noise() -> None:
    truth = smooth(1)
    itself, copy = scores(truth, truth), scores(smooth(0), truth)
    assert (
        itself["closer to truth"] == 1 and itself["PSNR to truth"] == NO_ERROR and itself["SSIM to truth"] == pytest.approx(1)
    )
    assert copy["closer to truth"] == 0 and copy["PSNR to truth"] < 15
    noise = np.random.default_rng(0).integers(0, 256, truth.shape).astype(np.uint8)
    assert scores(noise, truth)["SSIM to truth"] < 0.2
    swapped = scores(np.roll(truth, 1, axis=0), truth)
    assert swapped["closer to truth"] < 1 and swapped["PSNR to truth"] < 15, "somebody else's truth"
    near = np.clip(truth.astype(int) + np.random.default_rng(0).integers(-9, 10, truth.shape), 0, 255).astype(np.uint8)
    assert 28 < scores(near, truth)["PSNR to truth"] < 40
    assert scores(near, truth)["SSIM to truth"] < 1


def test_psnr_by_hand() -> None:
    truth = np.full((1, SIZE, SIZE, 3), 100, np.uint8)
    given = SimpleNamespace(sources=truth, outputs=truth + np.uint8(10), truth=truth, model=None)
    found = Truth()(given)["PSNR to truth"]
    assert found.values[0] == pytest.approx(10 * np.log10(255**2 / 100)) and found.unit == "dB"


def test_no_truth_no_numbers() -> None:
    assert scores(smooth(0), None) == {}


def test_half_the_strength_is_held_against_half_the_attribute() -> None:
    """A transfer that blends exactly has no error at strength 0.5 where the truth blends too."""
    sources, truth = smooth(0), smooth(1)

    def blend(share: float) -> NDArray[np.uint8]:
        return (sources + share * (truth.astype(float) - sources)).round().astype(np.uint8)

    asked: list[Any] = []

    def truth_at(rows: Any, target: dict[str, bool], strength: float) -> NDArray[np.uint8]:
        asked.append((target, strength))
        return blend(strength)

    given = SimpleNamespace(
        sources=sources, outputs=truth, truth=truth, rows=np.arange(6), target={"Smiling": True},
        model=SimpleNamespace(images=lambda images, strength: blend(strength)), data=SimpleNamespace(truth=truth_at),
    )  # fmt: skip
    found = Truth(strengths=(0.25,))(given)
    assert asked == [({"Smiling": True}, 0.25)]
    assert found["PSNR to truth at 0.25"].values.min() == NO_ERROR and found["closer to truth at 0.25"].values.all()


def test_what_should_not_move() -> None:
    sources = smooth(0)
    truth = sources.copy()
    truth[:, :, : SIZE // 2] = 255 - truth[:, :, : SIZE // 2]
    changed = sources.copy()
    changed[:, :, SIZE // 2 :, 0] ^= 16
    for outputs, exact in ((truth, True), (changed, False)):
        found = Preserved()(SimpleNamespace(sources=sources, outputs=outputs, truth=truth))
        psnr, ssim = (found[f"{name} where nothing should change"].values for name in ("PSNR", "SSIM"))
        assert (psnr == NO_ERROR).all() == exact and (ssim > 0.999).all() == (psnr > 60).all()
    # 16 steps in one of three channels of the half that should stay
    assert psnr.mean() == pytest.approx(10 * np.log10(255**2 / (16**2 / 3)), abs=0.01)
    whole = Preserved()(SimpleNamespace(sources=sources, outputs=changed, truth=None))
    assert whole["PSNR to the input"].values.mean() == pytest.approx(10 * np.log10(255**2 / (16**2 / 6)), abs=0.01)
    brighter = np.clip(sources.astype(int) + 5, 0, 255).astype(np.uint8)
    shift = Preserved()(SimpleNamespace(sources=sources, outputs=brighter, truth=None))["colour shift"]
    assert 4 < shift.values.mean() <= 5 and shift.better == "lower"


class Left:
    """The left half is the part that may change; in the last image it is not found."""

    def masks(self, data: Any, batch: Any) -> NDArray[np.float32]:
        found = np.zeros((len(batch.rows), 1, SIZE, SIZE), np.float32)
        found[:-1, ..., : SIZE // 2] = 1
        return found


def test_what_should_not_move_outside_a_located_region() -> None:
    """Without truth, a locator says where: a copy and whatever it leaves alone are perfect, noise is not."""
    sources = smooth(0)
    noise = np.random.default_rng(0).integers(0, 256, sources.shape).astype(np.uint8)
    left, right = sources.copy(), sources.copy()
    left[:, :, : SIZE // 2], right[:, :, SIZE // 2 :] = noise[:, :, : SIZE // 2], noise[:, :, SIZE // 2 :]
    metric = Preserved(locator=Left())

    def found(outputs: NDArray[np.uint8]) -> list[NDArray[np.floating]]:
        given: Any = SimpleNamespace(sources=sources, outputs=outputs, truth=None, rows=np.arange(len(sources)), data=None)
        scores = metric(given)
        return [scores[f"{name} where nothing should change"].values for name in ("PSNR", "SSIM")]

    for outputs in (sources.copy(), left):
        psnr, ssim = found(outputs)
        assert (psnr[:-1] == NO_ERROR).all() and ssim[:-1] == pytest.approx(np.ones(len(sources) - 1))
        assert np.isnan(psnr[-1]) and np.isnan(ssim[-1]), "where the region is not found, nothing is said"
    for outputs in (right, noise):
        psnr, ssim = found(outputs)
        assert (psnr[:-1] < 15).all() and (ssim[:-1] < 0.3).all()


def test_preserved_of_the_truth_and_of_noise() -> None:
    sources, truth = smooth(0), smooth(0)
    truth[:, : SIZE // 2] = 255 - truth[:, : SIZE // 2]
    noise = np.random.default_rng(0).integers(0, 256, sources.shape).astype(np.uint8)
    perfect, lost = (Preserved()(SimpleNamespace(sources=sources, outputs=outputs, truth=truth)) for outputs in (truth, noise))
    assert (perfect["PSNR where nothing should change"].values == NO_ERROR).all()
    assert (lost["PSNR where nothing should change"].values < 15).all() and lost["colour shift"].values.mean() > 5


class OneLayer(TorchModel):
    """A transfer of one convolution without bias, 3 channels to 3, that takes ``SECONDS``."""

    SECONDS = 0.03

    def __init__(self) -> None:
        self.device = torch.device("meta")
        self.size = SIZE
        self.network = torch.nn.Conv2d(3, 3, 5, padding=2, bias=False)

    def tensors(self, images: torch.Tensor, strength: float = 1.0) -> torch.Tensor:
        time.sleep(self.SECONDS)
        return self.network(images).detach()

    def parameters(self) -> int:
        return sum(parameter.numel() for parameter in self.network.parameters())


def test_the_cost_of_a_known_network() -> None:
    sources = smooth(0)
    found = Cost(batch_size=4, repeats=3)(SimpleNamespace(sources=sources, model=OneLayer()))
    assert found["million parameters"].value == pytest.approx(3 * 3 * 25 / 1e6)
    assert found["GFLOP an image"].value == pytest.approx(2 * 3 * 3 * 25 * SIZE**2 / 1e9)
    per_image = 1000 * OneLayer.SECONDS / 4
    assert per_image <= found["milliseconds an image"].value < 10 * per_image
    assert not any("memory" in name for name in found), "only on the processor"
    assert Cost()(SimpleNamespace(sources=sources, model=None)) == {}


@pytest.mark.slow
def test_kid_of_one_distribution_and_of_another() -> None:
    random = np.random.default_rng(0)
    one, other = random.normal(size=(2, 400, 8))
    alone = np.arange(400), np.arange(400, 800)
    value, low, high = interval(one, other, *alone)
    assert low < 0 < high and low < value < high, "two draws of one distribution: no distance within the interval"
    far = interval(one + 1, other, *alone)
    assert far[1] > high
    # a person drawn often does not count as more evidence
    copies, who = np.repeat(one[:40], 10, axis=0), np.repeat(np.arange(40), 10)
    naive = interval(copies, other, *alone)
    by_person = interval(copies, other, who, alone[1])
    assert by_person[0] == pytest.approx(interval(one[:40], other, np.arange(40), alone[1])[0])
    assert naive[0] > by_person[0]


@pytest.mark.slow
def test_kid_is_unbiased_where_people_are_photographed_often() -> None:
    """Ten people on each side, twenty photos each, five people on both: equal distributions have no distance on average."""
    random = np.random.default_rng(0)

    def photos(people: NDArray[np.int64], faces: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        who = np.repeat(people, 20)
        return faces[who] + 0.2 * random.normal(size=(len(who), 8)), who

    found = []
    for _ in range(200):
        faces = random.normal(size=(15, 8))
        (results, who), (real, whose) = photos(np.arange(10), faces), photos(np.arange(5, 15), faces)
        found.append(interval(results, real, who, whose, draws=0)[0])
    error = np.std(found) / len(found) ** 0.5
    assert abs(np.mean(found)) < 3 * error, (np.mean(found), error)
