"""Metrics that train a classifier: known answers for images that differ in a known way."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from attrxfer_metrics.attribute_accuracy import AttributeAccuracy, determined
from attrxfer_metrics.classifier import HEAVIEST, AttributeClassifier, weights
from attrxfer_metrics.kid import Kid
from numpy.typing import NDArray

from attrxfer.data import CachedDataset, open_data
from attrxfer.interfaces import Broken, Records

SIZE = 32


class Shades:
    """Bright images have the attribute, dark ones do not."""

    size = SIZE

    def __init__(self, swapped: bool = False) -> None:
        self.swapped = swapped

    def records(self) -> Records:
        rows = np.arange(240)
        bright = (rows % 2 == 0) != self.swapped
        split = np.where(rows < 160, 0, 2).astype(np.uint8)
        return Records(tuple(map(str, rows)), {"bright": bright}, split)

    def read(self, rows: Sequence[int]) -> list[NDArray[np.uint8] | Broken]:
        return [
            np.random.default_rng(row).integers(0, 80, (SIZE, SIZE, 3)).astype(np.uint8) + np.uint8(150 * (row % 2 == 0))
            for row in rows
        ]

    def fingerprint(self) -> str:
        return "shades"


def evaluation(data: CachedDataset, outputs_bright: bool) -> Any:
    rows = data.rows("test", None)
    dark, bright = (data.images_u8(rows[data.records.attributes["bright"][rows] == value]) for value in (False, True))
    outputs = bright if outputs_bright else dark
    rows = rows[~data.records.attributes["bright"][rows]]
    return SimpleNamespace(
        sources=dark, outputs=outputs, truth=None, rows=rows, people=np.arange(len(dark)), target={"bright": True}, data=data,
        model=None, seed=0,
    )  # fmt: skip


def accuracy(metric: AttributeAccuracy, given: Any) -> float:
    return float(metric(given)["attribute accuracy"].values.mean())  # type: ignore[union-attr]


def opened(folder: Path, swapped: bool = False) -> CachedDataset:
    return open_data(Shades(swapped), selection=None, size=SIZE, folder=folder)


@pytest.mark.slow
def test_the_classifier_knows_targets_from_inputs_and_is_trained_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTRXFER_CACHE", str(tmp_path))
    data, metric = opened(tmp_path), AttributeAccuracy(steps=40, batch_size=16)
    verdict = metric(evaluation(data, True))
    assert verdict["attribute accuracy"].values.mean() > 0.95  # type: ignore[union-attr]
    assert verdict["balanced accuracy of the attribute classifier"].value > 0.95  # type: ignore[union-attr]
    monkeypatch.setattr(AttributeAccuracy, "_train", lambda *arguments: pytest.fail("trained twice"))
    assert accuracy(metric, evaluation(data, False)) < 0.05


@pytest.mark.slow
def test_swapped_labels_swap_the_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTRXFER_CACHE", str(tmp_path))
    metric = AttributeAccuracy(steps=40, batch_size=16)
    right, swapped = opened(tmp_path), opened(tmp_path, swapped=True)
    assert accuracy(metric, evaluation(right, True)) > 0.95
    bright = evaluation(right, True).outputs
    turned = evaluation(swapped, True)
    turned.outputs = bright
    assert accuracy(metric, turned) < 0.05


def test_swapped_targets_of_real_images_are_seen_as_often_as_the_classifier_errs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Real test images with their labels: attribute accuracy is the accuracy of the classifier; with every label swapped,
    1 - accuracy. A classifier that learned little is right of some."""
    monkeypatch.setenv("ATTRXFER_CACHE", str(tmp_path))
    data, metric = opened(tmp_path), AttributeAccuracy(steps=2, batch_size=4)
    rows = data.rows("test", None)
    bright = data.records.attributes["bright"][rows]
    images, found = data.images_u8(rows), []
    for target in (True, False):
        own = evaluation(data, True)
        own.outputs, own.target = images, {"bright": target}
        scores = metric(own)
        found.append(scores["attribute accuracy"].values)  # type: ignore[union-attr]
    accuracy = metric.classifier(data).accuracy(data, ["bright"])
    right, swapped = np.where(bright, *found), np.where(bright, *found[::-1])
    assert right.mean() == pytest.approx(accuracy) and swapped.mean() == pytest.approx(1 - accuracy)
    assert 0 < accuracy < 1, "a perfect classifier would prove less"


class Answers(AttributeClassifier):
    """A classifier that says the same of every image."""

    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.bool_]:
        return np.full((len(images), len(self.names)), False)


class OneSided(Shades):
    """Of the test images, ``count`` are bright."""

    count = 1

    def records(self) -> Records:
        known = super().records()
        bright = known.attributes["bright"].copy()
        tests = np.flatnonzero(known.split == 2)
        bright[tests] = False
        bright[tests[: self.count]] = True
        return Records(known.names, {"bright": bright}, known.split)


def test_an_answer_that_is_always_the_same_is_right_of_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Few test images are bright: always "no" is right of most, and of half in balance; of none bright nothing can be told."""
    data = open_data(OneSided(False), selection=None, size=SIZE, folder=tmp_path)
    never = Answers(None, ("bright",))
    assert never.accuracy(data, ["bright"]) > 0.9
    assert never.balanced_accuracy(data, {"bright": True}) == never.balanced_accuracy(data, {"bright": False}) == 0.5
    monkeypatch.setattr(OneSided, "count", 0)
    none = open_data(OneSided(False), selection=None, size=SIZE, folder=tmp_path)
    assert never.balanced_accuracy(none, {"bright": True}) is None
    metric = AttributeAccuracy()
    monkeypatch.setattr(AttributeAccuracy, "classifier", lambda *arguments: never)
    scores = metric(evaluation(none, True))
    assert not any("of the attribute classifier" in name for name in scores)
    assert "cannot be told: none of the" in caplog.text


def test_both_answers_count_the_same_however_rare_an_attribute_is() -> None:
    labels = np.zeros((40, 4), np.float32)
    labels[:20, 0] = labels[:4, 1] = labels[:1, 2] = 1
    heavy = weights(labels)
    assert heavy[:, 0].tolist() == [1, 1]
    assert heavy[1, 1] * 4 == pytest.approx(heavy[0, 1] * 36) == pytest.approx(20)
    assert heavy[1, 2] == HEAVIEST and heavy[1, 3] == HEAVIEST


class Striped(Shades):
    """Every second pair of images is striped too."""

    def records(self) -> Records:
        known = super().records()
        return Records(known.names, {**known.attributes, "striped": np.arange(240) % 4 < 2}, known.split)

    def read(self, rows: Sequence[int]) -> list[NDArray[np.uint8] | Broken]:
        found = [np.array(image) for image in super().read(rows)]
        for row, image in zip(rows, found, strict=True):
            image[::4] += np.uint8(90 * (row % 4 < 2))
            image[1::4] += np.uint8(90 * (row % 4 < 2))
        return list(found)

    def fingerprint(self) -> str:
        return "striped"


class Complement(Striped):
    """Names the complement of the target too, as a folder for each class does."""

    def records(self) -> Records:
        known = super().records()
        return Records(known.names, {**known.attributes, "dark": ~known.attributes["bright"]}, known.split)

    def fingerprint(self) -> str:
        return "complement"


@pytest.mark.slow
def test_the_classifier_of_a_copy_of_the_truth_and_of_noise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTRXFER_CACHE", str(tmp_path))
    data, metric = open_data(Striped(), selection=None, size=SIZE, folder=tmp_path), AttributeAccuracy(steps=60, batch_size=16)
    rows = data.rows("test", {"bright": False})
    sources, striped = data.images_u8(rows), data.records.attributes["striped"][rows]
    partners = rows - rows % 2  # the bright image of each pair, striped where the dark one is
    noise = np.random.default_rng(0).integers(0, 256, sources.shape).astype(np.uint8)

    def found(outputs: NDArray[np.uint8]) -> tuple[float, float]:
        scores = metric(SimpleNamespace(sources=sources, outputs=outputs, target={"bright": True}, data=data, rows=rows))
        return tuple(float(scores[name].values.mean()) for name in ("attribute accuracy", "other attributes kept"))  # type: ignore[return-value, union-attr]

    assert found(sources.copy())[1] == 1 and found(sources.copy())[0] < 0.1
    assert min(found(data.images_u8(partners))) > 0.9
    assert found(noise)[1] == pytest.approx(max(striped.mean(), 1 - striped.mean()), abs=0.3), (
        "noise is striped or not, all alike"
    )


@pytest.mark.parametrize("rare", [40, 400])
def test_what_the_target_determines_is_left_out(rare: int) -> None:
    """Three classes exclude each other; a beard is never found with the target; a hat is rare with and without it."""
    rows = np.arange(1200)
    attributes = {"a": rows % 3 == 0, "b": rows % 3 == 1, "c": rows % 3 == 2, "hat": rows % 100 == 0}
    attributes["beard"] = ~attributes["a"] & (rows < rare)
    attributes["smile"] = rows % 2 == 0
    attributes["not a"] = ~attributes["a"]
    records = Records(tuple(map(str, rows)), attributes, np.zeros(len(rows), np.uint8))
    images = np.zeros((len(rows), 1, 1, 3), np.uint8)
    data = CachedDataset(records, np.ones(len(rows), bool), (), 0, "key", images, None)  # type: ignore[arg-type]
    left_out = set(determined(data, {"a": True}))
    assert left_out == {"b", "c", "not a", "beard"}
    assert determined(data, {"smile": True}) == []
    assert {"not a"} <= set(determined(data, {"a": False})) and "smile" not in determined(data, {"a": False})


@pytest.mark.slow
def test_other_attributes_kept_leaves_out_the_complement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The bright image keeps its stripes: all that could be kept is kept, although it is not dark any more."""
    monkeypatch.setenv("ATTRXFER_CACHE", str(tmp_path))
    data, metric = (
        open_data(Complement(), selection=None, size=SIZE, folder=tmp_path),
        AttributeAccuracy(steps=60, batch_size=16),
    )
    given = evaluation(data, True)
    kept = metric(given)["other attributes kept"].values  # type: ignore[union-attr]
    assert kept.mean() > 0.9 and metric(given)["other attributes kept"].role == "other attributes kept"
    assert [record.message for record in caplog.records if "without" in record.message] == [
        "other attributes kept: without dark, which the target determines in the training split"
    ]


@pytest.mark.slow
def test_kid_is_near_nothing_for_real_images_and_far_for_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTRXFER_CACHE", str(tmp_path))
    data = opened(tmp_path)
    near, far = (Kid(steps=40, batch_size=16)(evaluation(data, bright)) for bright in (True, False))
    noise = evaluation(data, True)
    noise.outputs = np.random.default_rng(0).integers(0, 256, noise.outputs.shape).astype(np.uint8)
    lost = Kid(steps=40, batch_size=16)(noise)
    assert lost["KID"].low > near["KID"].high and lost["Frechet distance"].value > near["Frechet distance"].value  # type: ignore[operator]
    assert near["KID"].value < near["KID"].high < far["KID"].low  # type: ignore[operator]
    assert near["Frechet distance"].value < far["Frechet distance"].value and near["KID"].n == 40


def test_kid_on_features_of_anothers_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network given as features is read at the size it is made for; no classifier is trained."""
    monkeypatch.setattr(AttributeAccuracy, "_train", lambda *arguments: pytest.fail("a classifier was trained"))
    sizes = []

    def features(images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        sizes.append(tuple(images.shape[-2:]))
        return (images[:, :1], images)

    data = opened(tmp_path)
    kid = Kid(features=features, resize=48)
    near, far = (kid(evaluation(data, bright))["KID"].value for bright in (True, False))
    assert near < far and set(sizes) == {(48, 48)}
