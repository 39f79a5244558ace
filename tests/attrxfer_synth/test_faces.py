"""Drawn faces: the same face under any conditions, exact counterfactuals, landmarks on the features."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from attrxfer_synth.dataset import SyntheticFaces
from attrxfer_synth.traits import ATTRIBUTES
from numpy.typing import NDArray

from attrxfer.errors import DataError

ROWS = list(range(12))


@pytest.fixture(scope="module")
def faces() -> SyntheticFaces:
    return SyntheticFaces(size=64, faces=300)


def images(dataset: SyntheticFaces, rows: list[int]) -> NDArray[np.uint8]:
    return np.stack([image for image in dataset.read(rows) if isinstance(image, np.ndarray)])


def change(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Largest change over the channels (N, S, S)."""
    return np.abs(one.astype(int) - other).max(-1)


@pytest.mark.slow
def test_a_face_is_the_same_in_any_company(faces: SyntheticFaces) -> None:
    np.testing.assert_array_equal(images(faces, ROWS), images(SyntheticFaces(size=64, faces=40), ROWS))
    np.testing.assert_array_equal(images(faces, ROWS)[3], images(faces, [3])[0])
    assert change(images(faces, ROWS), images(SyntheticFaces(faces=300, seed=1), ROWS)).mean() > 10


@pytest.mark.slow
def test_a_face_is_the_same_at_any_size(faces: SyntheticFaces) -> None:
    large = images(SyntheticFaces(size=128, faces=300), ROWS).astype(float)
    small = large.reshape(len(ROWS), 64, 2, 64, 2, 3).mean((2, 4))
    assert np.abs(small - images(faces, ROWS)).mean() < 4


def test_no_rows_are_no_images(faces: SyntheticFaces) -> None:
    assert faces.read([]) == []
    assert faces.counterfactual([], "Male").shape == (0, 64, 64, 3)


@pytest.mark.slow
@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_every_attribute_is_seen_and_comes_back(faces: SyntheticFaces, attribute: str) -> None:
    before = images(faces, ROWS)
    changed = change(before, faces.counterfactual(ROWS, attribute))
    share = (changed > 24).mean((1, 2))
    assert (share > {"Male": 0.1, "Young": 0.03}.get(attribute, 0.006)).all()
    labels = faces.records().attributes[attribute][ROWS]
    for value in (False, True):
        np.testing.assert_array_equal(
            before[labels == value], faces.counterfactual(ROWS, {attribute: float(value)})[labels == value]
        )
    forth = faces.counterfactual(ROWS, {attribute: 1.0})
    assert (change(before, forth).max((1, 2)) > 0).tolist() == (~labels).tolist()


@pytest.mark.parametrize(
    ("attribute", "top", "bottom", "left", "right"),
    [
        ("Eyeglasses", 0.28, 0.68, 0.05, 0.95),
        ("Mouth_Slightly_Open", 0.5, 0.95, 0.15, 0.85),
        ("Smiling", 0.33, 0.93, 0.15, 0.8),
    ],
)
def test_what_an_attribute_does_not_touch_stays_equal(
    faces: SyntheticFaces, attribute: str, top: float, bottom: float, left: float, right: float
) -> None:
    changed = change(images(faces, ROWS), faces.counterfactual(ROWS, attribute))
    inside = np.zeros((64, 64), bool)
    inside[int(top * 64) : int(bottom * 64), int(left * 64) : int(right * 64)] = True
    assert changed[:, ~inside].max() == 0


@pytest.mark.slow
def test_background_stays_equal_whatever_changes(faces: SyntheticFaces) -> None:
    corner = (slice(None), slice(0, 4), slice(0, 4))
    for attribute in ATTRIBUTES:
        np.testing.assert_array_equal(images(faces, ROWS)[corner], faces.counterfactual(ROWS, attribute)[corner])


@pytest.mark.slow
@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_attributes_are_continuous(faces: SyntheticFaces, attribute: str) -> None:
    steps = [faces.counterfactual(ROWS, {attribute: value}).astype(float) for value in (0.02, 0.25, 0.5, 0.75, 0.98)]
    whole = np.abs(steps[-1] - steps[0]).mean()
    from_start = [np.abs(step - steps[0]).mean() for step in steps]
    assert all(b >= a - 0.05 * whole for a, b in pairwise(from_start))
    assert max(np.abs(b - a).mean() for a, b in pairwise(steps)) < 0.9 * whole
    assert 0.03 * whole < from_start[2] < 0.97 * whole


def test_landmarks_lie_on_their_features(faces: SyntheticFaces) -> None:
    records = faces.records()
    assert records.landmarks is not None
    rows = np.flatnonzero(~records.attributes["Eyeglasses"])[:16].tolist()
    points, masks = records.landmarks[rows], faces.masks(rows)
    assert points.shape == (16, 68, 2)

    def share(name: str, chosen: list[int], reach: int) -> float:
        hits = []
        for number, face in enumerate(points[:, chosen]):
            for x, y in face.round().astype(int):
                window = masks[name][number, max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1]
                hits.append(window.max() > 0.3)
        return float(np.mean(hits))

    assert share("mouth", list(range(48, 68)), 1) > 0.95
    assert share("eyes", list(range(36, 48)), 1) > 0.95
    assert share("eyes", list(range(48, 68)), 1) == 0
    assert share("face", list(range(27, 36)), 1) > 0.95
    assert share("face", list(range(5, 12)), 2) > 0.95


def test_celebas_five_points_are_in_their_order(faces: SyntheticFaces) -> None:
    left, right, nose, mouth_left, mouth_right = faces.celeba_points(ROWS).transpose(1, 0, 2)
    assert (left[:, 0] < nose[:, 0]).all() and (nose[:, 0] < right[:, 0]).all()
    assert (left[:, 1] < nose[:, 1]).all() and (nose[:, 1] < mouth_left[:, 1]).all()
    assert (mouth_left[:, 0] < mouth_right[:, 0]).all()


def test_masks_share_out_every_pixel(faces: SyntheticFaces) -> None:
    masks = faces.masks(ROWS)
    assert masks.keys() == {"background", "hair", "clothes", "face", "eyes", "mouth", "glasses"}
    np.testing.assert_allclose(sum(masks.values()), 1, atol=1e-4)
    glasses = masks["glasses"].sum((1, 2)) > 5
    assert glasses.tolist() == faces.records().attributes["Eyeglasses"][ROWS].tolist()


@pytest.mark.slow
def test_splits_are_by_person_and_some_attributes_are_the_persons() -> None:
    records = SyntheticFaces(faces=3000).records()
    assert records.identity is not None
    people = [set(records.identity[records.split == split]) for split in range(3)]
    assert not people[0] & people[1] and not people[0] & people[2] and not people[1] & people[2]
    shares = np.bincount(records.split) / 3000
    np.testing.assert_allclose(shares, [0.8, 0.1, 0.1], atol=0.03)
    for person in range(20):
        own = records.identity == person
        assert own.sum() == 3
        for name in ("Male", "Young"):
            assert len(set(records.attributes[name][own])) == 1
    for name in ATTRIBUTES:
        assert 0.2 < records.attributes[name].mean() < 0.7


@pytest.mark.slow
def test_attributes_go_together_on_purpose() -> None:
    def together(**confound: float) -> float:
        attributes = (
            SyntheticFaces(faces=1500, confound={k.replace("_x_", "*"): v for k, v in confound.items()}).records().attributes
        )
        return float(np.corrcoef(attributes["Male"], attributes["Eyeglasses"])[0, 1])

    assert abs(together()) < 0.08
    assert together(Male_x_Eyeglasses=0.9) > 0.8
    assert together(Male_x_Eyeglasses=-0.9) < -0.8


@pytest.mark.parametrize(
    ("confound", "message"),
    [
        ({"Male*Glasses": 0.5}, 'no attribute "Glasses"'),
        ({"Male": 0.5}, 'data.confound: "Male" = 0.5 is not of the form'),
        ({"Smiling*Young": 0.5}, 'Young belongs to the person; write "Young.Smiling"'),
    ],
)
def test_confounding_that_cannot_be_is_refused(confound: dict[str, float], message: str) -> None:
    with pytest.raises(DataError, match=message):
        SyntheticFaces(faces=20, confound=confound).records()


def test_unknown_attributes_get_the_nearest(faces: SyntheticFaces) -> None:
    with pytest.raises(DataError, match='no attribute "Smilling"; did you mean "Smiling"'):
        faces.counterfactual(0, "Smilling")


def test_another_parameter_is_another_cache() -> None:
    prints = {
        SyntheticFaces(**settings).fingerprint()
        for settings in (
            {},
            {"size": 32},
            {"faces": 50},
            {"seed": 1},
            {"faces_per_identity": 1},
            {"confound": {"Male*Young": 0.1}},
        )
    }
    assert len(prints) == 6
