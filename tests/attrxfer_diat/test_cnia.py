"""The baseline CNIA: pixels are optimised towards the features of guided neighbours."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from attrxfer_diat.cnia import Cnia
from attrxfer_diat.features import FaceFeatures
from attrxfer_diat.identity import content
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from attrxfer.errors import AttrxferError
from attrxfer.testing.fakes import random_images, tiny_data
from tests.conftest import TINY, attrxfer

TARGET = {"bright": True}


@pytest.fixture
def phi() -> FaceFeatures:
    return FaceFeatures(width=8)


def distance(phi: FaceFeatures, images: Tensor, maps: list[Tensor], layers: tuple[int, ...]) -> float:
    with torch.no_grad():
        return float(content(phi(images), maps, layers, (), "relative"))


@pytest.mark.parametrize("settings", [{"optimizer": "adam", "steps": 60}, {"optimizer": "lbfgs", "steps": 20}])
def test_features_move_towards_the_mean_and_the_weights_balance_it(phi: FaceFeatures, settings: dict[str, Any]) -> None:
    x, guided = random_images(2, 32), random_images(5, 32).flip(1)
    means = [maps.mean(0, keepdim=True).expand(2, -1, -1, -1) for maps in phi(guided)]
    free = Cnia(network=phi, identity=0, tv=0, **settings).optimised(x, means)
    held = Cnia(network=phi, identity=10, tv=0, **settings).optimised(x, means)
    before, after = (distance(phi, images, means, (4, 5)) for images in (x, free))
    assert after < 0.5 * before
    assert after < distance(phi, held, means, (4, 5)) < before
    source = list(phi(x))
    assert distance(phi, held, source, (1, 2, 3)) < distance(phi, free, source, (1, 2, 3))
    assert free.abs().max() <= 1
    smooth = Cnia(network=phi, identity=0, tv=10, **settings).optimised(x, means)
    assert smooth.diff(dim=-1).abs().mean() < free.diff(dim=-1).abs().mean()


def test_an_image_does_not_depend_on_its_batch(phi: FaceFeatures) -> None:
    data = tiny_data()
    rows = data.rows("test", {"bright": False})[:3]
    together = Cnia(network=phi, steps=5, neighbours=2)(data, TARGET, rows)
    alone = Cnia(network=phi, steps=5, neighbours=2, batch_size=1)(data, TARGET, rows)
    assert together is not None and alone is not None and together.shape == (len(rows), 32, 32, 3)
    assert np.abs(together.astype(int) - alone).max() <= 1


def test_neighbours_are_the_nearest_guided_images(phi: FaceFeatures) -> None:
    data = tiny_data()
    guided = data.rows("train", TARGET)
    method = Cnia(network=phi, neighbours=1)
    assert np.array_equal(method._nearest(data.images(guided), method._keys(data, guided))[:, 0], np.arange(len(guided)))


def test_without_guided_images_it_does_not_apply_and_a_wrong_layer_is_named(phi: FaceFeatures) -> None:
    data = tiny_data()
    rows = data.rows("test", None)[:1]
    nobody = SimpleNamespace(rows=lambda split, target: np.zeros(0, np.int64))
    assert Cnia(network=phi)(nobody, TARGET, rows) is None
    with pytest.raises(AttrxferError, match=r"method cnia: layers = \[6\]: this network has layers 1 to 5"):
        Cnia(network=phi, attribute_layers=(6,))(data, TARGET, rows)


@pytest.mark.slow
def test_evaluate_trains_its_network_once_and_takes_settings(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATTRXFER_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)  # evaluate writes its scores there
    table = '{use="cnia", steps=2, neighbours=2, network={use="face_features", width=4}}'
    metric = 'metric=[{use="truth"}]'
    first = attrxfer("evaluate", trained, table, "--limit", "3", "--set", metric)
    assert first.returncode == 0 and table in first.stdout
    assert len(list((tmp_path / "cache" / "networks").iterdir())) == 1
    again = attrxfer("evaluate", trained, table, "--limit", "3", "--set", metric)
    assert again.stdout == first.stdout
    for wrong, said in (
        ('{use="cnia", step=2}', '{use="cnia", step=2}: method.step: unknown key; did you mean "steps"?'),
        ('{use="cnja"}', 'method.use: no method "cnja"; did you mean "cnia"?'),
        ('{use="cnia"', "no table of TOML"),
    ):
        refused = attrxfer("evaluate", trained, wrong, "--limit", "3", "--set", metric)
        assert refused.returncode == 2 and said in refused.stderr


@pytest.mark.slow
def test_transfer_learns_from_the_data_of_a_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTRXFER_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    Image.fromarray(pixels).save("crop.png")
    table = '{use="cnia", steps=3, neighbours=2, network={use="face_features", width=4}}'
    task = [word for setting in TINY for word in ("--set", setting)]
    common = ("--aligned", "--recipe", "diat_a_gender", *task)
    for strength, folder in (("1", "whole"), ("0.5", "half")):
        done = attrxfer("transfer", table, "crop.png", "-o", folder, "--strength", strength, *common)
        assert done.returncode == 0, done.stderr

    def pixels_of(path: str) -> NDArray[np.float64]:
        return np.asarray(Image.open(path).convert("RGB").resize((16, 16))).astype(float)

    source, whole, half = map(pixels_of, ("crop.png", "whole/crop.png", "half/crop.png"))
    changed = np.abs(whole - source).mean()
    assert changed > 0.5 and np.abs(half - source).mean() < changed


def test_transfer_says_what_a_method_needs(tmp_path: Path, trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (16, 16)).save("crop.png")
    for arguments, said in (
        (["cnia"], "cnia: learns from images with the attribute: name the task with --recipe, yours with --data"),
        (["cnia", "--data", "x"], "--data and --set belong to the recipe that a method learns from (--recipe)"),
        ([str(trained), "--recipe", "diat_a"], "is trained already: leave --recipe, --data and --set out"),
        (["input_copy", "--recipe", "diat_a"], "method input_copy learns nothing: leave --recipe, --data and --set out"),
    ):
        refused = attrxfer("transfer", arguments[0], "crop.png", "--aligned", *arguments[1:])
        assert refused.returncode == 2 and said in " ".join(refused.stderr.split())
