"""Beyond faces: the data, the references and the loss say what they should."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from attrxfer_metrics.truth import each_psnr
from attrxfer_quality.alterations import ALTERATIONS, Name
from attrxfer_quality.generator import ResidualNetwork
from attrxfer_quality.handwriting import Handwriting
from attrxfer_quality.identity import DegradedAgain
from attrxfer_quality.pictures import PICTURES, Pictures
from attrxfer_quality.references import Median, OfImages, RichardsonLucy, Slant, Wiener
from numpy.typing import NDArray

from attrxfer.errors import DataError
from attrxfer.interfaces import Counterfactuals, HasPatches
from attrxfer.model.method import MethodModel
from attrxfer.model.reach import measured_reach
from attrxfer.plugin.host import Host
from attrxfer.storage.conversion import to_tensor

Images = NDArray[np.uint8]


def stacked(data: Pictures | Handwriting, rows: list[int]) -> Images:
    return np.stack([image for image in data.read(rows) if isinstance(image, np.ndarray)])


def altered_and_truth(name: Name, split: int = 2, count: int = 40) -> tuple[Images, Images]:
    data = Pictures(alteration=name, count=600)
    rows = [row for row, patch in enumerate(data._patches) if patch.altered and data.records().split[row] == split][:count]
    return stacked(data, rows), data.counterfactual(rows, ALTERATIONS[name].attribute)


@pytest.mark.parametrize("name", list(ALTERATIONS))
def test_no_patch_is_seen_both_ways_and_no_picture_in_two_splits(name: Name) -> None:
    data = Pictures(alteration=name, count=200)
    records, how = data.records(), ALTERATIONS[name]
    assert isinstance(data, Counterfactuals) and isinstance(data, HasPatches) and data.patches
    altered = np.array([patch.altered for patch in data._patches])
    assert np.array_equal(records.attributes[how.attribute], altered != how.value) and 0.45 < altered.mean() < 0.55
    assert records.identity is not None
    of_split = [set(records.identity[records.split == number]) for number in range(3)]
    assert [len(pictures) for pictures in of_split] == [len(names) for names in PICTURES]
    assert not (of_split[0] & of_split[1] or of_split[0] & of_split[2] or of_split[1] & of_split[2])


def test_the_counterfactual_of_the_counterfactual_is_the_image() -> None:
    data = Pictures(count=200)
    rows = list(range(8))
    flipped, images = data.counterfactual(rows, "Sharp"), stacked(data, rows)
    own = data.records().attributes["Sharp"][rows].astype(float)
    again = np.stack([data.counterfactual(row, {"Sharp": value})[0] for row, value in zip(rows, own, strict=True)])
    assert np.array_equal(again, images) and not np.array_equal(flipped, images)
    half = data.counterfactual(rows, {"Sharp": 0.5})
    assert np.abs(half.astype(float) - (images.astype(float) + flipped) / 2).max() <= 1
    with pytest.raises(DataError, match="the attribute Sharp only"):
        data.counterfactual(rows, "Smiling")


@pytest.mark.parametrize(("name", "loss"), [("low_resolution", DegradedAgain(factor=2)), ("blur", DegradedAgain(sigma=1.5))])
def test_the_loss_degrades_as_the_data_do(name: Name, loss: DegradedAgain) -> None:
    images, truth = altered_and_truth(name)
    step: Any = SimpleNamespace(source=to_tensor(images), output=to_tensor(truth))
    copied: Any = SimpleNamespace(source=to_tensor(images), output=to_tensor(images))
    shifted: Any = SimpleNamespace(source=to_tensor(images), output=to_tensor(np.roll(truth, 1, 1)))
    floor = 0.5 * (2.5 / 127.5) ** 2 if name == "blur" else 0.5 * (2 / 127.5) ** 2
    assert float(loss(step)) < floor and float(loss(step)) < float(loss(copied)) < float(loss(shifted))


@pytest.mark.parametrize(
    ("name", "method"), [("blur", Wiener(balance=0.05)), ("blur", RichardsonLucy(iterations=5)), ("painting", Median(side=5))]
)
def test_references_improve_what_they_are_for(name: Name, method: OfImages) -> None:
    images, truth = altered_and_truth(name)
    if name == "painting":
        images, truth = truth, images
    better = each_psnr(method.transfer(images, 1.0), truth) - each_psnr(images, truth)
    assert better.mean() > 0.5
    assert np.array_equal(method.transfer(images, 0.0), images)


def test_the_median_removes_a_thin_line() -> None:
    image = np.full((1, 20, 24, 3), 90, np.uint8)
    lined = image.copy()
    lined[:, :, 10] = 220
    assert np.array_equal(Median().transfer(lined, 1.0), image)


def test_deconvolution_of_a_flat_image_changes_nothing() -> None:
    image = np.full((1, 20, 24, 3), 90, np.uint8)
    for method in (Wiener(), RichardsonLucy()):
        assert np.abs(method.transfer(image, 1.0).astype(int) - 90).max() <= 1


def test_a_slant_moves_rows_by_their_height() -> None:
    image = np.zeros((1, 21, 21, 3), np.uint8)
    image[:, :, 10] = 255
    made = Slant(shear=0.5).transfer(image, 1.0)[0, ..., 0]
    assert [int(made[row].argmax()) for row in (0, 10, 20)] == [15, 10, 5]


def test_the_other_hand_writes_the_same_with_more_ink() -> None:
    data = Handwriting(count=40)
    upright, slanted = stacked(data, [0, 2, 4]), data.counterfactual([0, 2, 4], "Slanted")
    assert (slanted < 120).sum() > 1.5 * (upright < 120).sum()
    assert np.array_equal(data.counterfactual([0, 2, 4], {"Slanted": 0.0}), upright)
    assert not np.array_equal(data.counterfactual(0, {"Slanted": 0.5})[0], slanted[0])


def test_a_small_blur_is_a_loss_too() -> None:
    images = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    assert 0 < float(DegradedAgain(sigma=0.1)(SimpleNamespace(source=images, output=-images))) < 1


def test_the_loss_is_least_for_the_truth() -> None:
    """Where the degradation removed the difference, it is free; a copy of a blurred image is not."""
    random = torch.Generator().manual_seed(0)
    sharp = torch.rand(2, 3, 32, 32, generator=random) * 2 - 1
    loss = DegradedAgain(sigma=1.5)
    blurred = DegradedAgain(sigma=0.0)
    from kornia.filters import gaussian_blur2d

    source = gaussian_blur2d(sharp, (9, 9), (1.5, 1.5))

    def cost(one: DegradedAgain, output: torch.Tensor) -> float:
        step: Any = SimpleNamespace(source=source, output=output)
        return float(one(step))

    assert cost(loss, sharp) < 1e-5 < cost(loss, source) < cost(loss, source + 0.2)
    assert cost(blurred, source) == 0 < cost(blurred, sharp)


def test_the_residual_network_begins_as_the_identity_and_sees_its_depth() -> None:
    network = ResidualNetwork(width=4, depth=3)
    images = torch.rand(1, 3, 16, 20) * 2 - 1
    assert torch.equal(network.eval()(images), images)
    torch.nn.init.normal_(network.layers[-1].weight)  # type: ignore[arg-type]
    assert measured_reach([network]) == 3


def test_references_transfer_whole_images(host: Host) -> None:
    model = MethodModel("median", host)
    image = np.random.default_rng(0).integers(0, 256, (70, 90, 3)).astype(np.uint8)
    assert np.array_equal(model(image), Median().transfer(image[None], 1.0)[0])
