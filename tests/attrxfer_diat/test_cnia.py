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
from torch import Tensor

from attrxfer.errors import AttrxferError
from attrxfer.testing.fakes import random_images, tiny_data
from tests.conftest import attrxfer

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
