"""Regions of a face from 68 and from 5 landmarks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from attrxfer_faces.dlib_models import SAME, Faces
from attrxfer_faces.locator import Auto, Landmarks, region_mask
from attrxfer_faces.points import five_points
from attrxfer_synth.dataset import SyntheticFaces
from numpy.typing import NDArray
from PIL import Image
from skimage.data import astronaut

from attrxfer.data import open_data
from attrxfer.errors import DataError
from attrxfer.interfaces import Batch, Broken, Records
from attrxfer.plugin.host import Host
from attrxfer.plugin.parameters import build, check, missing_for

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


def test_a_margin_widens_and_a_mirrored_image_has_a_mirrored_mask(faces: SyntheticFaces) -> None:
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


class Astronaut:
    """One real photograph (scikit-image's), its face in the middle, beside an image without a face."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.asked: list[int] = []

    def records(self) -> Records:
        return Records(("face", "noise", "test"), {"Smiling": np.ones(3, bool)}, np.array([0, 0, 2], np.uint8))

    def read(self, rows: Sequence[int]) -> list[NDArray[np.uint8] | Broken]:
        self.asked += list(rows)
        face = Image.fromarray(astronaut()[20:220, 124:324]).resize((self.size, self.size), Image.Resampling.BICUBIC)
        noise = np.random.default_rng(0).integers(0, 256, (self.size, self.size, 3)).astype(np.uint8)
        return [noise if row == 1 else np.asarray(face) for row in rows]

    def fingerprint(self) -> str:
        return f"astronaut {self.size}"


@pytest.mark.slow
def test_dlib_finds_landmarks_once_where_the_data_set_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: Host
) -> None:
    monkeypatch.setenv("ATTRXFER_CACHE", str(tmp_path))
    data = open_data(Astronaut(SIZE), selection=None, size=SIZE)
    for name in ("dlib", "auto"):
        spec, _ = check("locator", {"use": name, "region": "mouth"}, host.registry, path="l", shared={})
        assert spec is not None
        locator = build(spec, {})
        locator.check_data(data)
        mouth = locator.masks(data, batch([0, 1], [False, False]))[:, 0] > 0
        assert not mouth[1].any(), "no face, no region"
        rows, columns = np.nonzero(mouth[0])
        # her mouth is at about (225, 148) of the photograph's columns and rows
        assert abs(columns.mean() - (225 - 124) * SIZE / 200) < 3 and abs(rows.mean() - (148 - 20) * SIZE / 200) < 4
        assert 0.01 < mouth[0].mean() < 0.15
        monkeypatch.setattr(Faces, "landmarks", lambda *arguments: pytest.fail("looked for twice"))
    assert not np.isnan(locator.points(data)[2]).any(), "metrics ask for test images"


def test_auto_takes_the_data_sets_own_landmarks(faces: SyntheticFaces, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attrxfer_faces.locator.missing_dlib", lambda: ["dlib: pip install 'attrxfer[faces]'"])
    own = SimpleNamespace(records=faces.records())
    spec, _ = check("locator", {"use": "auto", "region": "eyes"}, host.registry, path="l", shared={})
    assert spec is not None and not missing_for(spec)
    locator = build(spec, {})
    locator.check_data(own)
    assert np.array_equal(locator.masks(own, batch([1], [False])), Landmarks(region="eyes").masks(own, batch([1], [False])))
    with pytest.raises(DataError, match=r"no landmarks of a face; missing: dlib: pip install"):
        build(spec, {}).check_data(SimpleNamespace(records=SimpleNamespace(landmarks=None)))


def test_auto_prefers_68_points_and_says_where_it_has_five(
    faces: SyntheticFaces, host: Host, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    own = faces.records()
    assert own.landmarks is not None
    five = SimpleNamespace(records=SimpleNamespace(landmarks=five_points(own.landmarks)))
    spec, _ = check("locator", {"use": "auto", "region": "mouth"}, host.registry, path="l", shared={})
    assert spec is not None
    monkeypatch.setattr("attrxfer_faces.locator.missing_dlib", lambda: [])
    monkeypatch.setattr("attrxfer_faces.locator.dlib_landmarks", lambda data: own.landmarks)
    locator = build(spec, {})
    locator.check_data(five)
    outline = Landmarks(region="mouth").masks(SimpleNamespace(records=own), batch([1], [False]))
    assert np.array_equal(locator.masks(five, batch([1], [False])), outline) and not caplog.messages
    monkeypatch.setattr("attrxfer_faces.locator.missing_dlib", lambda: ["dlib: pip install 'attrxfer[faces]'"])
    coarse = build(spec, {})
    coarse.check_data(five)
    assert caplog.messages == [
        "locator auto (mouth): the data set's five points give a coarse region; 68 points take "
        "dlib: pip install 'attrxfer[faces]'"
    ]
    assert not np.array_equal(coarse.masks(five, batch([1], [False])), outline)


@pytest.mark.slow
def test_a_result_is_verified_as_its_inputs_person_and_noise_is_not() -> None:
    found = Faces()
    face, noise = Astronaut(128).read([0, 1])
    assert not isinstance(face, Broken) and not isinstance(noise, Broken)
    darker = (np.asarray(face) * 0.8).astype(np.uint8)
    own, changed, nothing = found.embeddings(np.stack([face, darker, noise]), np.stack([face, face, face]))
    assert np.linalg.norm(own - changed) < SAME < np.linalg.norm(own - nothing)
    near, far, unknown = Auto().distances(np.stack([face, face, noise]), np.stack([darker, noise, noise]))
    assert near == pytest.approx(np.linalg.norm(own - changed), abs=1e-5) and far > SAME and np.isnan(unknown)
    assert np.isnan(found.embeddings(face[None], noise[None])).all(), "where the input shows no face, nothing is compared"
