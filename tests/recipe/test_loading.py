"""Recipes: overrides that do not surprise, malformed files that get an answer, equality."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from attrxfer.errors import AttrxferError, InvalidRecipe
from attrxfer.plugin.host import Host
from attrxfer.recipe import Recipe, differences, load
from attrxfer.recipe.merging import apply_overrides
from attrxfer.testing.fakes import write_tiny_data
from tests.conftest import attrxfer_process

BASE = 'extends = "pinned"\n'
PINNED = """extends = "diat_a_gender"
metric = [{use = "attribute_accuracy"}, {use = "truth"}]
selection = {use = "frontal"}
identity = {use = "adaptive"}
train = {size = 64, batch_size = 16}
"""
"""What these tests rely on, whatever the shipped recipe is tuned to."""


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write(text: str) -> Path:
        (tmp_path / "pinned.toml").write_text(PINNED)
        path = tmp_path / "mine.toml"
        path.write_text(text)
        return path

    return write


def refused(path: Path, host: Host, *overrides: str) -> list[str]:
    with pytest.raises(InvalidRecipe) as caught:
        load(path, host, overrides)
    return [str(problem) for problem in caught.value.problems]


# ---------------------------------------------------------------- with_data


def test_with_data_another_recipe_is_taken(write: Any, host: Host, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    data = {"use": "folder", "path": "images"}
    path = write('extends = "diat_a_gender"\nwith_data = "diat_gender"\n[train]\nseed = 7\n')
    assert load(path, host).identity[0].name == "adaptive" and not caplog.messages
    given = load(path, host, ["train.size=32"], data)
    assert given.identity[0].name == "backbone" and given.train.seed == 0, "nothing of the replaced recipe is left"
    assert given.data.name == "folder" and given.train.size == 32
    assert caplog.messages == [f"{path}: with data of your own it is the recipe diat_gender"]
    extending = path.with_name("extending.toml")
    extending.write_text(f'extends = "{path.name}"\n')
    assert load(extending, host, (), data).identity[0].name == "adaptive", "the changes of an extending recipe are kept"


def test_the_command_line_says_that_another_recipe_is_taken(tmp_path: Path) -> None:
    write_tiny_data(tmp_path)
    done = attrxfer_process("run", "diat_a_gender", "--data", tmp_path, "--set", "train.size=1")
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == "diat_a_gender: with data of your own it is the recipe photos"


def test_with_data_names_a_recipe(write: Any, host: Host) -> None:
    path = write('extends = "diat_a_gender"\nwith_data = "diat_gendre"\n')
    with pytest.raises(InvalidRecipe, match='with_data: no recipe "diat_gendre"; did you mean "diat_gender"'):
        load(path, host, (), {"use": "folder", "path": "images"})


def test_every_shipped_recipe_takes_data(host: Host) -> None:
    failed = {}
    for name in host.recipes():
        try:
            load(name, host, (), {"use": "folder", "path": "images"})
        except AttrxferError as error:
            failed[name] = str(error)
    assert not failed


# ---------------------------------------------------------------- --set


def test_setting_one_condition_keeps_the_others() -> None:
    table = {"task": {"guided": {"Male": False, "Young": True}, "input": {"Male": True}}}
    assert apply_overrides(table, ["task.guided.Male=true"]) == (
        {"task": {"guided": {"Male": True, "Young": True}}},  # the parent's input no longer fits
        [],
    )
    assert apply_overrides(table, ["task.guided.Male=false"])[0] == table
    assert table["task"]["input"] == {"Male": True}, "the table given is not changed"


@pytest.mark.parametrize(
    "order", list(permutations(["task.input={Male=true}", "task.guided.Male=false", "task.guided.Young=true"]))
)
def test_the_order_of_conditions_does_not_matter(order: tuple[str, ...]) -> None:
    changed, problems = apply_overrides({"task": {"guided": {"Smiling": True}, "input": {"Smiling": False}}}, order)
    assert not problems
    assert changed["task"] == {"guided": {"Smiling": True, "Male": False, "Young": True}, "input": {"Male": True}}


@pytest.mark.parametrize(
    "order", list(permutations(["identity.weight=3.0", "identity.use=pixels", 'identity.network={use="a"}']))
)
def test_the_order_of_use_and_its_parameters_does_not_matter(order: tuple[str, ...]) -> None:
    changed, problems = apply_overrides({"identity": {"use": "adaptive", "layers": [4]}}, order)
    assert not problems and changed["identity"] == {"use": "pixels", "weight": 3.0, "network": {"use": "a"}}


def test_of_two_that_set_one_place_the_last_wins() -> None:
    assert apply_overrides({}, ["train.size=32", "train.size=64"])[0] == {"train": {"size": 64}}


def test_keys_can_be_quoted() -> None:
    changed, _ = apply_overrides({}, ['task.guided."a.b c"=true', "task.guided.Größe=true"])
    assert changed == {"task": {"guided": {"a.b c": True, "Größe": True}}}


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("train.size.x=3", "--set train.size.x: train.size is 64, not a table"),
        (
            "metric.5.use=attribute_accuracy",
            "--set metric.5.use: metric is an array, whose items are named by number (metric.N), 0 to 1",
        ),
        (
            "metric.use=attribute_accuracy",
            "--set metric.use: metric is an array, whose items are named by number (metric.N), 0 to 1",
        ),
        ("extends=diat_a", "--set extends: a recipe's base cannot be changed here; name another recipe"),
        ("with_data=photos", "--set with_data: has no effect here; write a recipe file that extends this one"),
        ("=3", '--set: "=3" is not of the form a.b=value'),
        ("trian.size=3", 'trian: unknown section; did you mean "train"?'),
        ("identity.wieght=3", 'identity.wieght: unknown key; did you mean "weight"?'),
    ],
)
def test_overrides_without_a_place_are_problems(override: str, problem: str, write: Any, host: Host) -> None:
    assert refused(write(BASE), host, override) == [problem]


def test_all_bad_overrides_are_told_with_the_recipes_own_problems(write: Any, host: Host) -> None:
    found = refused(write(BASE + "[train]\nsize = 100\n"), host, "nonsense", "train.batch_size.x=1", "identity.weight=-1")
    assert found == [
        '--set: "nonsense" is not of the form a.b=value',
        "--set train.batch_size.x: train.batch_size is 16, not a table",
        "train.size: input should be a multiple of 16, found 100",
        "identity.weight: input should be greater than or equal to 0, found -1",
    ]


# ---------------------------------------------------------------- malformed


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('identity = "adaptive"', 'identity: expected a table with use = NAME, found "adaptive"'),
        ("metric = 3", "metric: expected a table with use = NAME, found 3"),
        ("data = 3", "data: expected a table with use = NAME, found 3"),
        ("train = 3", "train: expected a table"),
        ("task = []", "task: expected a table"),
        ("stages = [1]", "stages: expected an array of stage names"),
        (
            "[train.adversarial]\nuse = 'other'",
            "train.adversarial.use: the stage is named by the table itself; remove this line",
        ),
        ("[train.seed]\nx = 1", 'train.seed: input should be a valid integer, found {"x": 1}'),
        ("[train.sede]\nx = 1", 'train.sede: no such stage or setting; did you mean "seed"?'),
        ("[train]\nbetas = [0.5, 1.0]", "train.betas[1]: input should be less than 1, found 1.0"),
        ("[train]\nseed = 4294967296", "train.seed: input should be less than 4294967296, found 4294967296"),
        ("[identity]\nweight = 2020-01-01", "identity.weight: no setting is a date; write 2020-01-01 in quotes"),
        ("[identity]\nweight = inf", "identity.weight: input should be a finite number, found Infinity"),
        (
            "[identity]\nuse = 'os:system'",
            'identity.use: "os:system" looks like an import path; recipes hold registered names only',
        ),
    ],
)
def test_malformed_values_get_one_answer(text: str, problem: str, write: Any, host: Host) -> None:
    assert refused(write(BASE + text), host) == [problem]


def test_a_malformed_data_table_can_be_replaced(write: Any, host: Host) -> None:
    made = load(write(BASE + "data = 3"), host, data={"use": "folder", "path": "/x"})
    assert made.data.name == "folder"


# ---------------------------------------------------------------- what a recipe is


def test_a_selection_can_be_removed(write: Any, host: Host) -> None:
    assert load(write(BASE), host).selection is not None
    made = load(write("selection = []\n" + BASE), host)
    assert made.selection is None and "selection" not in made.filled()


def test_recipes_of_equal_settings_are_equal(write: Any, host: Host) -> None:
    made = load("diat_a_gender", host)
    assert load(write('extends = "diat_a_gender"'), host) == made
    assert load("diat_a_gender", host, ["train.seed=1"]) != made
    assert load("diat_a_gender", host, ["identity.weight=0.25"]) != made


@pytest.mark.parametrize("overrides", [(), ("metric=[]", "selection=[]"), ("task.input={Male=true}", 'stages=["adversarial"]')])
def test_the_written_recipe_loads_to_an_equal_one_and_opens_with_its_command(
    overrides: tuple[str, ...], write: Any, host: Host
) -> None:
    made = load("diat_a_gender", host, overrides)
    text = made.to_toml()
    assert text.startswith("# attrxfer run recipe.toml        diat_a_gender, every setting written out\n")
    again: Recipe = load(write(text), host)
    assert again == made and again.digest() == made.digest()


def test_a_written_recipe_takes_the_same_overrides_as_its_source(write: Any, host: Host) -> None:
    path = write(load("diat_a_gender", host).to_toml())
    assert load(path, host, ["identity.weight=0.7"]) == load("diat_a_gender", host, ["identity.weight=0.7"])


# ---------------------------------------------------------------- reference


def test_differences_are_those_that_train_another_network(write: Any, host: Host) -> None:
    mine = load(write(BASE + "[report]\nsamples = 3\n"), host, ["train.size=32", 'regularizer=[{use="tv"}]', "task.name=other"])
    base = load(write(BASE), host)
    found = {key: (here, there) for key, here, there in differences(mine.filled(), base.filled())}
    assert found["train.size"] == (32, 64)
    assert found["regularizer.use"] == ("tv", None)
    assert not [key for key in found if key.startswith(("report", "task", "generator", "discriminator.width"))]
    assert differences(base.filled(), base.filled()) == []


def test_the_nearest_recipe_of_a_path_is_its_name(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("recipes/diat_a_gender.toml", "attrxfer/recipes/diat_a_gender", "./diat_a_gender.toml"):
        with pytest.raises(AttrxferError, match='did you mean "diat_a_gender"'):
            load(name, host)
    with pytest.raises(AttrxferError, match='did you mean "paper/diat_a_gender"'):
        load("recipes/paper/diat_a_gender.toml", host)


def test_a_recipe_that_extends_itself_is_a_circle(write: Any, host: Host) -> None:
    path = write('extends = "mine.toml"')
    with pytest.raises(InvalidRecipe, match=r"extends: a circle: mine\.toml -> mine\.toml"):
        load(path, host)


def test_a_reference_must_be_a_recipe(write: Any, host: Host) -> None:
    assert load(write(BASE), host).reference == "paper/diat_a_gender"
    assert 'reference: no recipe "paper/diat_a_gendr"; did you mean "paper/diat_a_gender"?' in "\n".join(
        refused(write(BASE + 'reference = "paper/diat_a_gendr"\n'), host)
    )
    assert refused(write(BASE + "reference = 3\n"), host) == ["reference: expected the name of a recipe"]


def test_a_tasks_name_leads_to_no_other_folder(host: Host) -> None:
    with pytest.raises(InvalidRecipe, match=r"task\.name: is part of file names"):
        load("diat_a_gender", host, ["task.name=../up"])
