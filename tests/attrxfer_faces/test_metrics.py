"""Identity and landmarks: known answers with embeddings that are understood, and with dlib on real faces."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from attrxfer_faces.celeba import CelebA, Labels
from attrxfer_faces.dlib_models import missing_dlib
from attrxfer_faces.embedding import HALF, TEMPLATE, Embedder, aligned, load_embedder, missing_embedder
from attrxfer_faces.metrics import Identity, Landmarks
from numpy.typing import NDArray
from scipy.ndimage import shift as moved

from attrxfer.data import CachedDataset, open_data
from attrxfer.errors import DataError
from attrxfer.evaluation.scores import HeldOutInputs, HeldOutResults, inputs, score
from attrxfer.interfaces import Broken, Records

SIZE, PHOTOS = 64, 3
PUBLISHED = [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)]
"""ArcFace's five points at 112 pixels."""
REAL = Path(__file__).parents[3] / "shared" / "data" / "celeba_subset"
Images = NDArray[np.uint8]


# ---------------------------------------------------------------- alignment


def posed(angle: float, scale: float, move: tuple[float, float]) -> NDArray[np.float64]:
    """The template's points turned (degrees), scaled and moved."""
    turn = np.deg2rad(angle)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return scale * np.array(PUBLISHED) @ rotation.T + move


def spots(points: NDArray[np.float64], side: int, width: float) -> Images:
    """A dark image with a bright spot at each point."""
    y, x = np.mgrid[:side, :side]
    light = sum(np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * width**2)) for px, py in points)
    return (250 * np.clip(light, 0, 1)).astype(np.uint8)[..., None].repeat(3, 2)


@pytest.mark.parametrize(
    ("angle", "scale", "move"), [(0, 1, (0, 0)), (25, 1.6, (60, 20)), (-40, 0.7, (20, 70)), (10, 0.9, (3, 2))]
)
def test_five_known_points_come_to_lie_on_the_template(angle: float, scale: float, move: tuple[float, float]) -> None:
    points = posed(angle, scale, move)
    assert TEMPLATE.tolist() == [list(point) for point in PUBLISHED]
    found = aligned(spots(points, 220, 2.5 * scale), points)
    assert found is not None
    face = found[..., 0]
    assert face.shape == (112, 112) and face.max() <= 255
    y, x = np.mgrid[:112, :112]
    for px, py in PUBLISHED:
        near = face * (np.hypot(x - px, y - py) < 8)
        assert abs((near * x).sum() / near.sum() - px) < 0.5 and abs((near * y).sum() / near.sum() - py) < 0.5


# ---------------------------------------------------------------- networks of one's own


def onnx_file(path: Path, *, last: bool = False, itself: bool = False, side: int | str = 112) -> Path:
    """A network that gives the mean colours of 4 x 4 tiles; ``last``: of images (N, H, W, 3); ``itself``: it normalises."""
    from onnx import TensorProto, helper, save

    shape = ["n", side, side, 3] if last else ["n", 3, side, side]
    nodes, name = [], "given"
    if itself:
        nodes += [
            helper.make_node("Sub", [name, "half"], ["centred"]),
            helper.make_node("Div", ["centred", "half"], ["scaled"]),
        ]
        name = "scaled"
    if last:
        nodes.append(helper.make_node("Transpose", [name], ["first"], perm=[0, 3, 1, 2]))
        name = "first"
    nodes.append(helper.make_node("AveragePool", [name], ["tiles"], kernel_shape=[28, 28], strides=[28, 28]))
    nodes.append(helper.make_node("Flatten", ["tiles"], ["vector"]))
    given = helper.make_tensor_value_info("given", TensorProto.FLOAT, shape)
    vector = helper.make_tensor_value_info("vector", TensorProto.FLOAT, ["n", 48])
    half = helper.make_tensor("half", TensorProto.FLOAT, [1], [HALF])
    graph = helper.make_graph(nodes, "tiles", [given], [vector], [half])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    return path


def test_a_file_states_its_axes_its_side_and_whether_it_normalises(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (1, 112, 112, 3)).astype(np.uint8)
    plain = load_embedder(onnx_file(tmp_path / "a.onnx"))
    assert (plain.side, plain.mean, plain.std) == (112, (HALF,), (HALF,))
    found = plain(image, TEMPLATE[None])
    tiles = (image[0] / HALF - 1).reshape(4, 28, 4, 28, 3).mean((1, 3)).transpose(2, 0, 1).ravel()
    assert np.allclose(found[0], tiles / np.linalg.norm(tiles), atol=1e-5), "a face on the template is seen as it is"
    itself = load_embedder(onnx_file(tmp_path / "b.onnx", itself=True, side="s"))
    assert (itself.side, itself.mean, itself.std) == (112, (0.0,), (1.0,))
    others = [itself, load_embedder(onnx_file(tmp_path / "c.onnx", last=True))]
    assert all(np.allclose(other(image, TEMPLATE[None]), found, atol=1e-5) for other in others)
    unknown = plain(image.repeat(2, 0), np.stack([TEMPLATE, np.full((5, 2), np.nan)]))
    assert np.isfinite(unknown[0]).all() and np.isnan(unknown[1]).all()
    assert np.isnan(plain(image, np.full((1, 5, 2), np.nan))).all()
    mirrored = plain(image, TEMPLATE[None], flip=True)[0].reshape(3, 4, 4)
    assert np.allclose(mirrored, mirrored[..., ::-1], atol=1e-5) and not np.allclose(mirrored.ravel(), found[0], atol=1e-3)


def timm_file(folder: Path, **said: Any) -> Path:
    import timm
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    save_file(timm.create_model("test_resnet", num_classes=24).state_dict(), folder / "face.safetensors")
    if said:
        (folder / "config.json").write_text(json.dumps({"architecture": "test_resnet", "pretrained_cfg": said}))
    return folder / "face.safetensors"


@pytest.mark.slow
def test_a_timm_network_gives_what_its_last_layer_gives(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (2, 112, 112, 3)).astype(np.uint8)
    points = np.stack([TEMPLATE, TEMPLATE])
    found = load_embedder(timm_file(tmp_path), "test_resnet")
    assert found.side == 112 and found(image, points).shape == (2, 24)
    assert found.mean == found.std == [HALF]
    stated = load_embedder(timm_file(tmp_path, input_size=[3, 64, 64], mean=[0.4, 0.5, 0.6], std=[0.2, 0.2, 0.2]))
    assert stated.side == 64 and stated.mean == pytest.approx([102, 127.5, 153]) and stated(image, points).shape == (2, 24)


def test_what_is_no_embedding_is_one_line(tmp_path: Path) -> None:
    import torch

    nowhere, broken, other = tmp_path / "no.onnx", tmp_path / "broken.onnx", tmp_path / "other.pth"
    broken.write_bytes(b"onnx")
    torch.save({"fc.weight": torch.zeros(2, 2)}, other)
    assert missing_embedder(nowhere, "") == [f"the face embedding: {nowhere}: no such file"]
    assert "architecture" in missing_embedder(other, "test_resnett")[0] and not missing_embedder(other, "test_resnet")
    for path, name in ((broken, ""), (other, "test_resnet")):
        with pytest.raises(DataError, match=f"{path.name}: no face embedding") as error:
            load_embedder(path, name)
        assert "\n" not in str(error.value)


# ---------------------------------------------------------------- people that an embedding can tell apart


class People:
    """A colour pattern a person and ``PHOTOS`` photos of each, on which the face lies elsewhere; its five points are known.
    Every second person is Male."""

    size = SIZE
    framing = None
    count = 20

    def records(self) -> Records:
        people = np.repeat(np.arange(self.count), PHOTOS)
        split = np.array([1, 2])[people % 2 ^ (people // 2) % 2].astype(np.uint8)
        split[people < 2] = 0
        points = np.stack([self.points(row) for row in range(len(people))]).astype(np.float32)
        return Records(tuple(map(str, range(len(people)))), {"Male": people % 4 < 2}, split, people, points)

    def points(self, row: int) -> NDArray[np.float64]:
        draw = np.random.default_rng(row)
        return posed(0, 0.5, (0, 0)) + draw.uniform(0, 8, 2)

    def read(self, rows: Sequence[int]) -> list[NDArray[np.uint8] | Broken]:
        found: list[NDArray[np.uint8] | Broken] = []
        for row in rows:
            pattern = np.random.default_rng(1000 + row // PHOTOS).integers(0, 256, (4, 4, 3)).repeat(14, 0).repeat(14, 1)
            x, y = (self.points(row) - 0.5 * TEMPLATE)[0]
            image = np.zeros((SIZE, SIZE, 3))
            image[:56, :56] = pattern
            noise = np.random.default_rng(row).normal(0, 4, image.shape)
            found.append((moved(image, (y, x, 0), order=1) + noise).clip(0, 255).astype(np.uint8))
        return found

    def fingerprint(self) -> str:
        return "people"


@pytest.fixture
def data(tmp_path: Path) -> CachedDataset:
    return open_data(People(), selection=None, size=SIZE, folder=tmp_path)


@pytest.fixture
def given(data: CachedDataset) -> HeldOutInputs:
    found = inputs(data, data.rows("test", {"Male": True}), {"Male": False}, 0, 0)
    assert found is not None
    return found


def values(metric: Any, held: HeldOutResults) -> dict[str, float]:
    return {name: found["value"] for name, found in score("", held, [metric]).scores.items()}


def beside(data: CachedDataset, rows: NDArray[np.int64], *, same: bool) -> NDArray[np.int64]:
    from attrxfer_baselines.references import AnotherPhoto, Stranger

    picked = (AnotherPhoto if same else Stranger)().picks(data, {}, rows)
    assert picked is not None
    return picked


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["onnx", "timm"])
def test_copies_other_photos_strangers_and_noise(kind: str, data: CachedDataset, given: HeldOutInputs, tmp_path: Path) -> None:
    file = onnx_file(tmp_path / "face.onnx") if kind == "onnx" else timm_file(tmp_path)
    metric = Identity(network=file, architecture="" if kind == "onnx" else "test_resnet", false_accept=0.01)
    metric.check_data(data)
    copy = values(metric, given.results(given.sources.copy()))
    assert copy["identity similarity"] == pytest.approx(1) and "identity distance" not in copy
    assert copy["verification rate"] == copy["same person"] == copy["nearest is its own input"] == 1
    assert values(metric, given.results(data.images_u8(given.rows), picked=given.rows)) == pytest.approx(copy)
    other, stranger = (
        values(metric, given.results(data.images_u8(rows), picked=rows))
        for rows in (beside(data, given.rows, same=True), beside(data, given.rows, same=False))
    )
    noise = np.random.default_rng(0).integers(0, 256, given.sources.shape).astype(np.uint8)
    lost = values(metric, given.results(noise))
    assert other["nearest is its own input"] == 0, "another photo is not the input"
    assert 1 > other["identity similarity"] > stranger["identity similarity"]
    if kind == "onnx":  # which understands these people; a random network tells noise from faces, hardly more
        assert (
            other["verification rate"] == other["same person"] == 1
            and stranger["verification rate"] < 0.1 > stranger["same person"]
        )
    assert lost["verification rate"] == 0 and lost["identity similarity"] < other["identity similarity"]


def test_a_real_image_is_aligned_by_its_own_face_a_result_by_its_inputs(
    data: CachedDataset, given: HeldOutInputs, tmp_path: Path
) -> None:
    metric = Identity(network=onnx_file(tmp_path / "face.onnx"))
    rows = beside(data, given.rows, same=True)
    own = values(metric, given.results(data.images_u8(rows), picked=rows))["identity similarity"]
    astray = values(metric, given.results(data.images_u8(rows)))["identity similarity"]
    assert own > 0.95 > astray, "the other photo's face is elsewhere"


@pytest.mark.slow
def test_the_threshold_lets_few_strangers_of_the_validation_split_pass(
    data: CachedDataset, given: HeldOutInputs, tmp_path: Path
) -> None:
    file = onnx_file(tmp_path / "face.onnx")
    rows = data.rows("validation", None)
    people = data.records.identity
    assert people is not None
    for share in (0.02, 0.5):
        metric = Identity(network=file, false_accept=share)
        vectors = metric.of_rows(data, rows)
        strangers = people[rows][:, None] < people[rows][None]
        limit = metric.threshold(data)
        assert limit is not None
        passed = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)[strangers] < limit
        assert passed.mean() == pytest.approx(share, abs=1.5 / strangers.sum())
        found = score("", given.results(given.sources), [metric]).scores["similarity that verifies"]
        assert found["value"] == pytest.approx(1 - limit**2 / 2)
    alone = replace(data, records=replace(data.records, identity=None))
    found = score("", replace(given, data=alone).results(given.sources), [metric]).scores
    assert "verification rate" not in found and "similarity that verifies" not in found and "nearest is its own input" in found


def test_who_has_no_other_photo_is_left_out(data: CachedDataset, given: HeldOutInputs, tmp_path: Path) -> None:
    metric = Identity(network=onnx_file(tmp_path / "face.onnx"))
    rows = beside(data, given.rows, same=True)
    rows[0] = given.rows[0]
    scorecard = score("", given.results(data.images_u8(rows), picked=rows), [metric])
    assert np.isnan(scorecard.per_image["verification rate"][0]) and scorecard.scores["verification rate"]["n"] == len(rows) - 1


def test_faces_cannot_be_aligned_without_points(data: CachedDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attrxfer_faces.metrics.missing_dlib", lambda: ["dlib: pip install 'attrxfer[faces]'"])
    bare = replace(data, records=replace(data.records, landmarks=None))
    with pytest.raises(
        DataError, match=r"metric identity: the data set has no landmarks of a face; missing: dlib: pip install"
    ):
        Identity(network=Path("face.onnx")).check_data(bare)
    assert Identity.missing() == ["dlib: pip install 'attrxfer[faces]'"] and Identity.missing(network=Path("face.onnx"))


# ---------------------------------------------------------------- dlib's answers, by a stand-in and by dlib


class FakeFaces:
    """Stands for dlib: a face's embedding is its mean colour, its 68 points lie about its brightest pixel; a black image
    shows no face."""

    def embeddings(self, images: Images, like: Images) -> NDArray[np.float32]:
        found = 0.1 + images.mean((1, 2)).astype(np.float32) / 100
        found[like.max((1, 2, 3)) == 0] = np.nan
        return found

    def landmarks(self, image: Images) -> NDArray[np.float32]:
        if not image.max():
            return np.full((68, 2), np.nan, np.float32)
        y, x = np.unravel_index(image[..., 0].argmax(), image.shape[:2])
        ring = np.stack([np.cos(np.arange(68)), np.sin(np.arange(68))], axis=1) * 5
        ring[36:42], ring[42:48] = (-10, 0), (10, 0)
        return (ring + np.array([x, y])).astype(np.float32)


def faces(metric: Any) -> Any:
    metric.faces = FakeFaces()
    return metric


def test_dlibs_verdict_by_its_distance(data: CachedDataset, given: HeldOutInputs) -> None:
    colours = np.random.default_rng(0).integers(30, 200, (len(given.rows), 1, 1, 3))
    sources = np.broadcast_to(colours, given.sources.shape).astype(np.uint8)
    cached = data.cached.copy()
    cached[given.rows] = sources
    cached[given.rows[0]] = 0  # no face
    held = replace(given, data=replace(data, cached=cached), sources=cached[given.rows])
    metric = faces(Identity())
    copy = score("", held.results(held.sources.copy()), [metric])
    assert copy.scores["identity distance"]["value"] == 0 and copy.scores["verification rate"]["value"] == 1
    assert copy.scores["verification rate"]["n"] == len(given.rows) - 1, "where the input shows no face, nothing is compared"
    near, far = (score("", held.results(held.sources + np.uint8(step)), [metric]) for step in (20, 50))
    assert near.scores["identity distance"]["value"] == pytest.approx(0.2 * 3**0.5, abs=1e-3)
    assert near.scores["verification rate"]["value"] == 1 and far.scores["verification rate"]["value"] == 0
    swapped = score("", held.results(np.roll(held.sources, 1, axis=0)), [metric])
    assert swapped.scores["nearest is its own input"]["value"] == 0


def test_landmarks_that_stay_and_that_move(given: HeldOutInputs) -> None:
    sources = np.full_like(given.sources, 9)
    sources[:, 20, 20] = 255
    held = replace(given, sources=sources)
    metric = faces(Landmarks())
    assert set(values(metric, held.results(sources.copy())).values()) == {0}
    right = values(metric, held.results(np.roll(sources, 4, axis=2)))
    assert right == pytest.approx({"landmark error of eyes, nose and contour": 4 / 20, "landmark error of mouth": 4 / 20})
    nothing = values(metric, held.results(np.zeros_like(sources)))
    assert set(nothing.values()) == {None}, "a face that is not found has no error"


@pytest.mark.skipif(bool(missing_dlib()), reason="dlib is not installed")
@pytest.mark.skipif(not REAL.is_dir(), reason=f"no real faces in {REAL}")
def test_dlib_on_real_faces(tmp_path: Path) -> None:
    class Few(CelebA):
        """Two photos of each of four people."""

        @property
        def _labels(self) -> Any:
            labels = CelebA._labels.func(self)  # type: ignore[attr-defined]
            people = dict(line.split() for line in (REAL / "identity_CelebA.txt").read_text().splitlines())
            who = np.array([int(people[name]) for name in labels.listed])
            chosen = [row for one in np.unique(who)[:4] for row in np.flatnonzero(who == one)[:2]]
            names = tuple(labels.listed[row] for row in chosen)
            return Labels(names, names, {name: each[chosen] for name, each in labels.attributes.items()}, ())

        def records(self) -> Records:
            found = super().records()
            return replace(found, split=np.full(len(found), 2, np.uint8))

    data = open_data(Few(path=REAL, size=128), selection=None, size=128, folder=tmp_path)
    given = inputs(data, data.rows("test", None), {"Male": False}, 0, 0)
    assert given is not None and len(given.rows) == 8
    identity, landmarks = Identity(), Landmarks()
    copy = values(identity, given.results(given.sources.copy()))
    assert (
        copy["verification rate"] == copy["same person"] == copy["nearest is its own input"] == 1
        and copy["identity distance"] == 0
    )
    other, stranger = (
        values(identity, given.results(data.images_u8(rows), picked=rows))
        for rows in (beside(data, given.rows, same=True), beside(data, given.rows, same=False))
    )
    noise = np.random.default_rng(0).integers(0, 256, given.sources.shape).astype(np.uint8)
    assert (
        other["verification rate"] > 0.6
        and stranger["verification rate"] < 0.3
        and values(identity, given.results(noise))["verification rate"] == 0
    )
    assert other["identity similarity"] > stranger["identity similarity"]
    still, shifted = (values(landmarks, given.results(np.roll(given.sources, pixels, axis=1))) for pixels in (0, 6))
    assert set(still.values()) == {0} and min(shifted.values()) > 0.05  # six pixels of an eye distance of about 50


def test_the_embedder_takes_as_many_as_its_file_says() -> None:
    seen: list[int] = []

    def run(images: NDArray[np.float32]) -> NDArray[np.float32]:
        seen.append(len(images))
        return images.mean((2, 3))

    Embedder(run, 112, batch_size=2)(np.ones((5, 64, 64, 3), np.uint8), TEMPLATE[None].repeat(5, 0) / 2)
    assert seen == [2, 2, 1]


def test_a_face_whose_points_are_in_one_place_has_no_embedding() -> None:
    points = np.stack([TEMPLATE, np.full((5, 2), 3.0), np.full((5, 2), np.nan)])
    embedder = Embedder(lambda images: images.mean((2, 3)), 112)
    found = embedder(np.full((3, 112, 112, 3), 200, np.uint8), points)
    assert np.isfinite(found[0]).all() and np.isnan(found[1:]).all()
