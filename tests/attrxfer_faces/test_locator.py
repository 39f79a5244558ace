"""Regions of a face from 68 and from 5 landmarks."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from attrxfer_faces.locator import Landmarks, region_mask
from attrxfer_synth.dataset import SyntheticFaces

from attrxfer.errors import DataError
from attrxfer.host import Host
from attrxfer.interfaces import Batch
from attrxfer.params import build, check

SIZE = 64


@pytest.fixture(scope="module")
def faces() -> SyntheticFaces:
    return SyntheticFaces(size=SIZE, faces=32)


def batch(rows: list[int], mirrored: list[bool]) -> Batch:
    count = len(rows)
    return Batch(torch.zeros(count, 3, SIZE, SIZE), torch.zeros(count), np.array(rows), np.array(mirrored))


@pytest.mark.parametrize("region", ["mouth", "eyes"])
def test_the_region_covers_the_part_and_little_else(faces: SyntheticFaces, region: str) -> None:
    truth = faces.masks(range(32))[region] > 0.5
    data = SimpleNamespace(records=faces.records())
    masks = Landmarks(region=region).masks(data, batch(list(range(32)), [False] * 32))[:, 0] > 0  # type: ignore[arg-type]
    assert (masks & truth).sum() / truth.sum() > 0.98
    assert 0.02 < masks.mean() < 0.35


@pytest.mark.parametrize("region", ["mouth", "eyes"])
def test_five_points_cover_most_of_what_68_do(faces: SyntheticFaces, region: str) -> None:
    many, few = faces.records().landmarks, faces.celeba_points(range(32))
    assert many is not None
    whole = np.stack([region_mask(points, region, 0.2, SIZE) for points in many])
    rough = np.stack([region_mask(points, region, 0.2, SIZE) for points in few])
    assert (whole & rough).sum() / whole.sum() > 0.75
    assert 0.5 < rough.sum() / whole.sum() < 2.5


def test_a_margin_widens_and_a_mirrored_picture_has_a_mirrored_mask(faces: SyntheticFaces) -> None:
    data = SimpleNamespace(records=faces.records())
    narrow, wide = (Landmarks(region="mouth", margin=m).masks(data, batch([3, 3], [False, True])) for m in (0.05, 0.4))
    assert (wide >= narrow).all() and wide.sum() > 1.5 * narrow.sum()
    assert np.array_equal(wide[0], wide[1, ..., ::-1]) and not np.array_equal(wide[0], wide[1])
    assert wide.shape == (2, 1, SIZE, SIZE) and wide.dtype == np.float32 and set(np.unique(wide)) == {0, 1}


def test_unknown_landmarks_are_an_empty_region_or_one_clear_line(host: Host) -> None:
    nowhere = np.full((1, 68, 2), np.nan, np.float32)
    assert not region_mask(nowhere[0], "mouth", 0.2, SIZE).any()
    spec, _ = check("locator", {"use": "landmarks", "region": "mouth"}, host.registry, path="l", shared={})
    assert spec is not None
    for landmarks in (None, np.zeros((1, 21, 2), np.float32)):
        with pytest.raises(DataError, match="no 68 or 5 landmarks"):
            build(spec, {}).check_data(SimpleNamespace(records=SimpleNamespace(landmarks=landmarks)))
