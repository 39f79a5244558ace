"""The fixtures that plugin authors' tests have, and whole runs made small."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from attrxfer.data import CachedDataset, data_table, make_sets, open_data
from attrxfer.errors import InvalidRecipe
from attrxfer.plugin.host import Host
from attrxfer.plugin.parameters import build, check
from attrxfer.recipe.small import small_recipe
from attrxfer.storage.run_folder import RunFolder

RunRecipe = Callable[..., RunFolder]


def test_pytest_starts_without_torch() -> None:
    code = "import sys, attrxfer.testing.pytest_plugin; print({'torch', 'numpy', 'pydantic'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_tiny_data_are_what_a_data_set_can_have(tiny_data: CachedDataset) -> None:
    records = tiny_data.records
    assert records.attributes.keys() == {"bright", "round"} and records.identity is not None and records.landmarks is not None
    assert set(records.split) == {0, 1, 2}
    light = tiny_data.images_u8(np.arange(len(records)))[:, 12:20, 12:20].mean((1, 2, 3))
    assert light[records.attributes["bright"]].min() > light[~records.attributes["bright"]].max()


def test_tiny_data_on_disk_are_the_same_images(tiny_data_folder: Path, tiny_data: CachedDataset, host: Host) -> None:
    spec, problems = check(
        "dataset", data_table(tiny_data_folder, host.registry.all("dataset")), host.registry, path="data", shared={"size": 32}
    )
    assert spec is not None and not problems
    data = open_data(build(spec, {}), selection=None, size=32)
    rows = np.arange(len(data.records))
    assert np.array_equal(data.images_u8(rows), tiny_data.images_u8(rows))
    assert np.array_equal(data.records.split, tiny_data.records.split)
    assert len(make_sets(data, {"bright": True}, None, 0, 0).guided) == 8


@pytest.mark.slow
def test_a_run_on_them_by_a_table(run_recipe: RunRecipe, tiny_data_folder: Path) -> None:
    table = {
        "extends": "diat_a",
        "task": {"name": "bright", "guided": {"bright": True}},
        "data": {"use": "csv", "path": str(tiny_data_folder)},
        "identity": {"use": "pixels"},
    }
    run = run_recipe(table, metric={"use": "attribute_accuracy"}, train={"adversarial": {"steps": 5}})
    assert [line["stage"] for line in run.read_metrics()] == ["pretrain_discriminator"] * 3 + ["adversarial"] * 5
    assert (
        (run.bundle / "model.safetensors").is_file()
        and '"attribute accuracy"' in run.scores.read_text()
        and run.report.is_file()
    )


def test_all_that_takes_long_is_lowered_but_not_what_the_author_says(host: Host) -> None:
    network = {"use": "face_features"}
    recipe = small_recipe(
        "diat_gender", host, generator={"width": 12}, metric=[{"use": "attribute_accuracy", "steps": 7}, {"use": "kid"}]
    )
    assert (recipe.train.size, recipe.train.threads) == (16, 1) and recipe.data.values["size"] == 16
    assert recipe.generator.values["width"] == 12 and recipe.generator.values["blocks"] == 1
    assert recipe.identity[0].values["network"].values["width"] == 4
    assert [metric.values["steps"] for metric in recipe.metric] == [7, 3]
    assert recipe.stage("face_features").values["steps"] == 3
    assert recipe.data.values["faces"] == 48 and recipe.stage("pretrain_generator").values["steps"] == 0
    other = small_recipe("paper/diat_a_gender", host, enhancer=[], identity={"use": "backbone", "network": network})
    assert other.enhancer == () and other.identity[0].name == "backbone"


def test_bounds_are_kept(host: Host) -> None:
    recipe = small_recipe("diat_a_gender", host, metric=[{"use": "cost"}])
    assert recipe.metric[0].values["batch_size"] == 4 and recipe.data.values["faces"] >= 16


def test_a_mistake_is_the_recipes_own(run_recipe: RunRecipe) -> None:
    with pytest.raises(InvalidRecipe, match='diat_a_gender: identity.wieght: unknown key; did you mean "weight"'):
        run_recipe("diat_a_gender", identity={"wieght": 1})
