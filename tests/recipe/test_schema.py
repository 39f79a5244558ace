"""Recipes: what is refused, and in which words."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attrxfer.errors import InvalidRecipe, UnknownName
from attrxfer.plugin.host import Host
from attrxfer.recipe import Recipe, load, parse, read
from attrxfer.recipe.loading import complete
from tests.conftest import TINY


def recipe(tmp_path: Path, text: str, name: str = "mine.toml") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def refused(source: Path | str, host: Host, *overrides: str) -> list[str]:
    with pytest.raises(InvalidRecipe) as caught:
        load(source, host, overrides)
    return [str(problem) for problem in caught.value.problems]


def test_every_problem_of_a_recipe_at_once(tmp_path: Path, host: Host) -> None:
    path = recipe(
        tmp_path,
        """
        extends = "diat_a_gender"
        stages = ["pretrain_generater"]
        [tsak]
        [task]
        guided = {Male = "no"}
        [generator]
        widht = 3
        [identity]
        use = "adaptve"
        [train]
        size = 100
        seeed = 1
        [train.adversarail]
        [train.adversarial]
        dstep = 0
        """,
    )
    assert sorted(refused(path, host)) == sorted(
        [
            'tsak: unknown section; did you mean "task"?',
            'task.guided.Male: input should be a valid boolean, found "no"',
            "train.size: input should be a multiple of 16, found 100",
            'train.seeed: unknown key; did you mean "seed"?',
            'generator.widht: unknown key; did you mean "width"?',
            'identity.use: no identity "adaptve"; did you mean "adaptive"?',
            'train.adversarail: no such stage or setting; did you mean "adversarial"?',
            "train.adversarial.dstep: input should be greater than or equal to 1, found 0",
            'stages[0]: no stage "pretrain_generater"; did you mean "pretrain_generator"?',
        ]
    )


def test_malformed_toml_names_file_and_line(tmp_path: Path, host: Host) -> None:
    path = recipe(tmp_path, "[task]\nname = \n")
    with pytest.raises(InvalidRecipe, match=r"mine\.toml: not TOML: .*line 2"):
        load(path, host)


def test_extends_by_name_by_path_and_in_a_circle(tmp_path: Path, host: Host) -> None:
    recipe(tmp_path, 'extends = "diat_a_gender"\n[train]\nsize = 32', "base.toml")
    child = recipe(tmp_path, 'extends = "base"\n[train]\nseed = 7', "child.toml")
    made = load(child, host)
    assert (made.train.size, made.train.seed, made.task.guided) == (32, 7, {"Male": False})
    recipe(tmp_path, 'extends = "b"', "a.toml")
    recipe(tmp_path, 'extends = "a"', "b.toml")
    with pytest.raises(InvalidRecipe, match="a circle: a.toml -> b.toml -> a.toml"):
        load(tmp_path / "a.toml", host)
    nowhere = recipe(tmp_path, 'extends = "diat_a_gendre"', "c.toml")
    with pytest.raises(InvalidRecipe, match=r'extends: no recipe "diat_a_gendre".*did you mean "diat_a_gender"'):
        load(nowhere, host)


def test_unknown_recipe(host: Host) -> None:
    with pytest.raises(UnknownName, match='did you mean "diat_a_gender"'):
        load("diat_a_gendr", host)


def test_the_reverse_task_is_one_set_away(host: Host) -> None:
    assert load("diat_a_gender", host, ["task.guided={Male=true}"]).task.guided == {"Male": True}
    made = load("diat_a_gender", host, ["task.guided={Smiling=true}"])
    assert made.task.guided == {"Smiling": True} and made.task.input is None


def test_data_replaces_the_data_set(host: Host) -> None:
    made = load("diat_a_gender", host, data={"use": "folder", "path": "/x"})
    assert made.data.table() == {"use": "folder", "path": "/x", "size": 64, "patches": False}


def test_shared_settings_reach_every_component(host: Host) -> None:
    made = load("diat_a_gender", host, ["train.size=32", "train.batch_size=3", "train.lr=0.1"])
    assert made.discriminator.values["size"] == 32 and made.data.values["size"] == 32
    assert made.stage("pretrain_generator").values["batch_size"] == 3 and made.stage("pretrain_generator").values["lr"] == 0.1
    assert made.stage("pretrain_discriminator").values["batch_size"] == 32


def test_a_variant_removes_a_table(host: Host) -> None:
    assert load("diat_a_gender", host, ["identity=[]"]).identity == ()


def test_a_filled_recipe_loads_to_an_equal_one(tmp_path: Path, host: Host) -> None:
    made = load("diat_a_gender", host, TINY)
    again = load(recipe(tmp_path, made.to_toml()), host)
    assert again.filled() == made.filled() and again.digest() == made.digest()


@pytest.mark.slow
@given(
    width=st.integers(4, 256),
    weight=st.floats(0, 1e6, allow_nan=False),
    layers=st.lists(st.integers(1, 6), min_size=1, max_size=4),
    steps=st.integers(0, 10**9),
)
def test_any_valid_settings_survive_the_round_trip(width: int, weight: float, layers: list[int], steps: int) -> None:
    from attrxfer.plugin import host as hosts

    host = hosts.load()
    table = read("diat_a_gender", host)
    table["generator"] = {**table["generator"], "width": width}
    table["identity"] = {**table["identity"], "weight": weight, "layers": layers}
    table["train"] = {**table["train"], "adversarial": {"steps": steps}}
    made: Recipe = parse(table, host.registry, "generated")
    assert parse(made.filled(), host.registry, "again").digest() == made.digest()


def test_a_recipe_of_another_format_is_refused_in_one_line(host: Host) -> None:
    filled = load("diat_a_gender", host).filled()
    assert filled["format"] == 2 and complete(filled, "mine", host).filled() == filled
    with pytest.raises(InvalidRecipe, match="format: 1: this version reads recipes of format 2"):
        complete({**filled, "format": 1}, "mine", host)


def test_settings_of_format_1_are_answered_by_their_names_now(host: Host) -> None:
    table = load("diat_a_gender", host).filled()
    table["train"]["rate"] = table["train"].pop("lr")
    table["train"]["adversarial"]["batch"] = 8
    with pytest.raises(InvalidRecipe) as error:
        complete(table, "old", host)
    assert "train.rate: is lr since recipes have format 2" in str(error.value)
    assert "train.adversarial.batch: is batch_size since recipes have format 2" in str(error.value)
