"""Clusters of the landmarks, and what an inspection finds in a folder with known faults."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from attrxfer_faces.clusters import LandmarkClusters
from attrxfer_faces.inspection import confounds, difference_hash, near_pairs, patch_colours
from attrxfer_faces.points import five_points
from attrxfer_synth.dataset import SyntheticFaces
from PIL import Image

from attrxfer.interfaces import Broken, Records
from tests.conftest import attrxfer

SIZE = 64
FRONT = np.array([[20, 28], [44, 28], [32, 38], [24, 48], [40, 48]], np.float32)


def records(points: np.ndarray) -> Records:
    count = len(points)
    return Records(tuple(map(str, range(count))), {}, np.zeros(count, np.uint8), None, points.astype(np.float32))


def faces(count: int, nose: float = 0.0, scale: float = 1.0, lower: float = 0.0) -> np.ndarray:
    """Five points around a front view: the nose moved sideways by ``nose`` eye distances, all shrunk and lowered."""
    random = np.random.default_rng(count)
    points = np.repeat(FRONT[None], count, 0) + random.normal(0, 0.4, (count, 5, 2))
    points[:, 2, 0] += nose * 24
    return (points - 32) * scale + 32 + [0, lower]


def test_clusters_that_are_turned_small_or_over_the_edge_are_dropped() -> None:
    groups = [faces(80), faces(70, nose=0.5), faces(60, scale=0.4), faces(50, lower=15), faces(40, nose=0.1)]
    points = np.concatenate(groups)
    selection = LandmarkClusters(size=SIZE, clusters=5, drop=0.65)
    kept = selection.keep(records(points))
    expected = np.repeat([True, False, False, False, True], [len(group) for group in groups])
    assert (kept == expected).mean() > 0.98
    found = selection.find(records(points))
    assert found is not None and found.dropped.sum() == 3 and set(np.unique(found.label)) <= set(range(5))
    worst = LandmarkClusters(size=SIZE, clusters=5, drop=0.3).keep(records(points))
    expected = np.repeat([True, False, True, True, True], [len(group) for group in groups])  # 0.5 / 0.22 is the highest rank
    assert (worst == expected).mean() > 0.98
    assert LandmarkClusters(size=SIZE, clusters=5, drop=0).keep(records(points)).all()


def test_faces_without_landmarks_are_kept_and_the_same_seed_finds_the_same() -> None:
    points = np.concatenate([faces(80), faces(40, nose=0.5)])
    points[3, 2] = np.nan
    selection = LandmarkClusters(size=SIZE, clusters=4, drop=0.4)
    found, again = selection.find(records(points)), selection.find(records(points))
    assert found is not None and again is not None and np.array_equal(found.label, again.label)
    assert found.label[3] == -1 and selection.keep(records(points))[3]
    assert selection.keep(records(points[:3])).all()  # fewer faces than clusters


@pytest.mark.filterwarnings("error")
def test_faces_that_are_all_alike_are_not_clustered() -> None:
    assert LandmarkClusters(size=SIZE, clusters=4).find(records(np.repeat(FRONT[None], 12, 0))) is None
    assert LandmarkClusters(size=SIZE, clusters=4).find(records(faces(4))) is not None


def test_five_points_of_68_are_celebas() -> None:
    drawn = SyntheticFaces(size=SIZE, faces=16)
    points = drawn.records().landmarks
    assert points is not None
    np.testing.assert_allclose(five_points(points), drawn.celeba_points(range(16)), atol=1e-4)


def test_five_of_68_points_are_eyes_nose_and_corners_of_the_mouth() -> None:
    points = np.zeros((1, 68, 2), np.float32)
    points[0, 36:42], points[0, 42:48], points[0, 30], points[0, 48], points[0, 54] = (1, 2), (3, 2), (2, 3), (1, 4), (3, 4)
    assert five_points(points).tolist() == [[[1, 2], [3, 2], [2, 3], [1, 4], [3, 4]]]


def test_confounds_are_correlations_with_their_counts() -> None:
    first = np.array([True] * 40 + [False] * 60)
    labels = {"a": first, "b": first ^ (np.arange(100) % 10 == 0), "c": np.arange(100) % 2 == 0, "all": np.ones(100, bool)}
    (pair,) = confounds(labels, np.arange(100))
    assert (pair.first, pair.second) == ("a", "b")
    assert pair.counts == (36, 4, 6, 54) and pair.phi == pytest.approx(np.corrcoef(labels["a"], labels["b"])[0, 1])


def test_the_difference_hash_survives_brightness_and_tells_faces_apart() -> None:
    images = np.stack(list(SyntheticFaces(size=SIZE, faces=16).read(range(16))))
    darker = (images * 0.8).astype(np.uint8)
    one, other = difference_hash(images), difference_hash(darker)
    assert (one != other).sum(1).mean() < 16
    apart = (one[:, None] != one[None]).sum(-1)
    assert apart[np.triu_indices(16, 1)].min() > 16


def test_flat_frames_of_two_colours_are_no_near_duplicates() -> None:
    flat = np.zeros((4, SIZE, SIZE, 3), np.uint8)
    flat[0, ..., 0] = flat[1, ..., 0] = flat[2, ..., 1] = 255
    flat[3] = 85  # as bright as red and green are
    assert near_pairs(difference_hash(flat), patch_colours(flat)) == [(0, 1)]


def test_near_pairs_are_those_that_a_comparison_of_all_finds() -> None:
    random = np.random.default_rng(0)
    bits = random.integers(0, 2, (300, 256), dtype=np.uint8)
    for i in range(100):  # copies of which up to 24 bits are changed
        bits[100 + i] = bits[i]
        bits[100 + i, random.choice(256, i % 25, replace=False)] ^= 1
    colours = np.zeros((300, 48), np.float32)
    apart = (bits[:, None] != bits[None]).sum(-1)
    expected = [(i, j) for i in range(300) for j in range(i + 1, 300) if apart[i, j] <= 16]
    assert len(expected) == 4 * 17 and near_pairs(bits, colours) == expected


def test_of_equal_images_each_is_paired_with_the_first() -> None:
    bits, colours = np.zeros((5, 256), np.uint8), np.zeros((5, 48), np.float32)
    assert near_pairs(bits, colours) == [(0, 1), (0, 2), (0, 3), (0, 4)]


def test_duplicates_behind_the_first_20000_images_are_found() -> None:
    bits = np.random.default_rng(0).integers(0, 2, (20_010, 256), dtype=np.uint8)
    bits[20_005] = bits[20_008]
    assert near_pairs(bits, np.zeros((20_010, 48), np.float32)) == [(20_005, 20_008)]


@pytest.mark.slow
def test_inspect_finds_what_was_put_in(tmp_path: Path) -> None:
    images = SyntheticFaces(size=96, faces=40).read(range(40))
    data = tmp_path / "data"
    data.mkdir()
    lines = ["file,glasses,hat,split"]
    for i, image in enumerate(images):
        assert not isinstance(image, Broken)
        Image.fromarray(image).save(data / f"{i:02d}.png")
        lines.append(f"{i:02d}.png,{i % 2},{(i % 2) if i else 1},train")
    Image.fromarray(np.asarray(images[7])).save(data / "copy.png")
    lines.append("copy.png,0,1,test")
    (data / "broken.png").write_bytes(b"not an image")
    lines.append("broken.png,1,1,train")
    (data / "labels.csv").write_text("\n".join(lines))
    result = attrxfer("data", "inspect", data / "labels.csv", "-o", tmp_path / "page.html")
    assert result.returncode == 0, result.stderr
    assert "1 broken, skipped" in result.stdout and "broken.png" in result.stdout
    assert "1 pairs of near-duplicates, 1 across splits, 1 with conflicting labels" in result.stdout
    assert "correlated: glasses and hat (phi +" in result.stdout
    assert "no landmarks of faces" in result.stdout
    page = (tmp_path / "page.html").read_text()
    assert "07.png and copy.png" in page and "labels differ: glasses" in page and "in two splits" in page
    assert "http" not in page


@pytest.mark.slow
def test_inspect_says_what_it_does_not_understand(tmp_path: Path) -> None:
    result = attrxfer("data", "inspect", tmp_path / "nowhere")
    assert result.returncode == 2 and "nowhere: no such file or folder" in result.stderr
