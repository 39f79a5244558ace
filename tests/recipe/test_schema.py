"""Registry, host, parameters and recipes: what is refused, and in which words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from attrxfer import interfaces
from attrxfer.errors import InvalidRecipe, PluginError, Problem, UnknownName
from attrxfer.interfaces import Generator, Regularizer
from attrxfer.plugin.host import Host
from attrxfer.plugin.parameters import Spec, build, check, schema
from attrxfer.plugin.registry import KIND_NAMES, Registry
from attrxfer.recipe import Recipe, load, parse, read
from attrxfer.recipe.merging import apply_overrides, merge
from tests.conftest import TINY, attrxfer_process

HERE = "tests.recipe.test_schema"


class Plain:
    def __init__(self, *, width: Annotated[int, Field(ge=1)] = 3, lr: float = 0.5, names: tuple[str, ...] = ("a",)) -> None:
        self.width, self.lr, self.names = width, lr, names


class Holder:
    def __init__(self, *, network: Generator, other: Generator | None = None, several: tuple[Regularizer, ...] = ()) -> None:
        self.network, self.other, self.several = network, other, several


class Positional:
    def __init__(self, width: int = 3) -> None:
        self.width = width


class Unannotated:
    def __init__(self, *, width=3) -> None:  # type: ignore[no-untyped-def]
        self.width = width


class Sized:
    def __init__(self, *, size: int, batch_size: int = 2, weight: float = 1.0, on: bool = False) -> None:
        self.size, self.batch_size, self.weight, self.on = size, batch_size, weight, on


@pytest.fixture
def registry() -> Registry:
    made = Registry()
    with made.owned_by("ours"):
        made.generator("plain", f"{HERE}:Plain", summary="")
        made.enhancer("holder", f"{HERE}:Holder", summary="")
        made.regularizer("sized", f"{HERE}:Sized", summary="")
        made.generator("positional", f"{HERE}:Positional", summary="")
        made.generator("unannotated", f"{HERE}:Unannotated", summary="")
        made.generator("gone", f"{HERE}:Gone", summary="")
    return made


def problems(registry: Registry, kind: str, table: Any, **shared: Any) -> list[str]:
    return [str(p) for p in check(kind, table, registry, path="here", shared=shared)[1]]


# ---------------------------------------------------------------- registry and host


def test_the_registry_knows_the_kinds_of_the_interfaces() -> None:
    assert tuple(interfaces.KINDS) == KIND_NAMES


def test_a_clash_names_both_owners(registry: Registry) -> None:
    with registry.owned_by("theirs"), pytest.raises(PluginError, match='generator "plain" .* both "ours" and "theirs"'):
        registry.generator("plain", "x:Y", summary="")


def test_unknown_kind_and_target_name_the_plugin(registry: Registry) -> None:
    with registry.owned_by("theirs"):
        with pytest.raises(PluginError, match='"theirs": no kind "generatr"; did you mean "generator"'):
            registry.generatr("x", "x:Y", summary="")
        with pytest.raises(PluginError, match='"theirs".*not "module:Class"'):
            registry.generator("x", "x.Y", summary="")


def test_a_missing_class_names_the_plugin(registry: Registry) -> None:
    with pytest.raises(PluginError, match='plugin "ours": generator "gone" cannot be imported'):
        registry.get("generator", "gone").load()


def test_unknown_names_get_the_nearest(registry: Registry) -> None:
    with pytest.raises(UnknownName, match='did you mean "plain"'):
        registry.get("generator", "plein")


def test_builtins_come_by_entry_points(host: Host) -> None:
    assert {p.name for p in host.plugins()} >= {"diat", "faces", "synth", "metrics"}
    assert all(p.distribution == "attrxfer" for p in host.plugins() if p.name in ("diat", "faces"))
    assert {c.owner for c in host.registry.all()} <= {p.name for p in host.plugins()}


def test_every_registered_class_loads_and_has_a_schema(host: Host) -> None:
    for component in host.registry.all():
        schema(component.load())
        assert component.summary


def test_plugins_can_be_pinned() -> None:
    result = attrxfer_process("plugins", env={"ATTRXFER_PLUGINS": "diat"})
    assert result.stdout.splitlines()[1].startswith("diat")
    assert len(result.stdout.splitlines()) == 2
    result = attrxfer_process("plugins", env={"ATTRXFER_PLUGINS": "diat,face"})
    assert result.returncode == 2
    assert result.stderr.strip() == 'attrxfer: ATTRXFER_PLUGINS: no plugin "face" is installed; did you mean "faces"?'


# ---------------------------------------------------------------- parameters


def test_defaults_are_filled_in_and_arrays_become_tuples(registry: Registry) -> None:
    spec, found = check("generator", {"use": "plain", "names": ["b", "c"]}, registry, path="g", shared={})
    assert not found and spec is not None
    assert spec.values == {"width": 3, "lr": 0.5, "names": ("b", "c")}
    assert spec.table() == {"use": "plain", "width": 3, "lr": 0.5, "names": ["b", "c"]}


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({"width": "2"}, 'here.width: input should be a valid integer, found "2"'),
        ({"width": 2.0}, "here.width: input should be a valid integer, found 2.0"),
        ({"width": 0}, "here.width: input should be greater than or equal to 1, found 0"),
        ({"lr": True}, "here.lr: input should be a valid number, found true"),
        ({"widht": 2}, 'here.widht: unknown key; did you mean "width"?'),
        ({"names": [1]}, "here.names[0]: input should be a valid string, found 1"),
    ],
)
def test_strict_values(registry: Registry, table: dict[str, Any], expected: str) -> None:
    assert problems(registry, "generator", {"use": "plain", **table}) == [expected]


def test_yes_is_no_bool(registry: Registry) -> None:
    assert problems(registry, "regularizer", {"use": "sized", "size": 1, "on": "yes"}) == [
        'here.on: input should be a valid boolean, found "yes"'
    ]


def test_all_problems_at_once(registry: Registry) -> None:
    found = problems(registry, "generator", {"use": "plain", "width": "x", "lr": "y", "other": 1})
    assert [line.partition(":")[0] for line in found] == ["here.width", "here.lr", "here.other"]


def test_use_must_be_a_registered_name(registry: Registry) -> None:
    assert problems(registry, "generator", {})[0].startswith("here.use: missing: which generator?")
    assert "registered names only" in problems(registry, "generator", {"use": "os:system"})[0]
    assert problems(registry, "generator", {"use": "plan"}) == ['here.use: no generator "plan"; did you mean "plain"?']
    assert "expected a table" in problems(registry, "generator", 3)[0]


def test_shared_settings_fill_parameters_that_are_not_set(registry: Registry) -> None:
    spec, _ = check("regularizer", {"use": "sized"}, registry, path="r", shared={"size": 64, "batch_size": 8, "lr": 1.0})
    assert spec is not None and spec.values["size"] == 64 and spec.values["batch_size"] == 8
    spec, _ = check("regularizer", {"use": "sized", "batch_size": 1}, registry, path="r", shared={"size": 64, "batch_size": 8})
    assert spec is not None and spec.values["batch_size"] == 1
    assert problems(registry, "regularizer", {"use": "sized"}) == ["here.size: missing"]


def test_nested_components_are_checked_with_their_paths(registry: Registry) -> None:
    table = {
        "use": "holder",
        "network": {"use": "plain", "width": "x"},
        "several": [{"use": "sized"}, {"use": "zized"}],
    }
    assert problems(registry, "enhancer", table) == [
        'here.network.width: input should be a valid integer, found "x"',
        "here.several[0].size: missing",
        'here.several[1].use: no regularizer "zized"; did you mean "sized"?',
    ]
    assert problems(registry, "enhancer", {"use": "holder"}) == ["here.network: missing"]


def test_equal_nested_tables_are_one_object(registry: Registry) -> None:
    table = {"use": "holder", "network": {"use": "plain", "width": 5}, "other": {"use": "plain", "width": 5}}
    several = [{"use": "sized", "size": 64}, {"use": "sized", "size": 64}, {"use": "sized", "size": 32}]
    spec, found = check("enhancer", {**table, "several": several}, registry, path="e", shared={})
    assert not found and spec is not None
    made = build(spec, {})
    assert made.several[0] is made.several[1] and made.several[0] is not made.several[2]
    assert made.network is not made.other and made.network.width == made.other.width == 5  # networks train for their owner


def test_a_filled_table_gives_the_same_spec(registry: Registry) -> None:
    table = {"use": "holder", "network": {"use": "plain"}, "several": [{"use": "sized", "size": 3}]}
    spec, _ = check("enhancer", table, registry, path="e", shared={})
    assert spec is not None
    again, found = check("enhancer", json.loads(json.dumps(spec.table())), registry, path="e", shared={})
    assert not found and again == spec


@pytest.mark.parametrize("name", ["positional", "unannotated"])
def test_a_constructor_that_cannot_be_read_is_the_plugins_mistake(registry: Registry, name: str) -> None:
    with pytest.raises(PluginError, match=r'test_schema\.\w+: constructor parameter "width" must be keyword-only'):
        check("generator", {"use": name}, registry, path="g", shared={})


# ---------------------------------------------------------------- merging


def test_same_use_merges_and_another_use_drops() -> None:
    parent = {"identity": {"use": "a", "weight": 1, "layers": [1, 2]}}
    assert merge(parent, {"identity": {"weight": 2}}, ()) == {"identity": {"use": "a", "weight": 2, "layers": [1, 2]}}
    assert merge(parent, {"identity": {"use": "a", "layers": [3]}}, ())["identity"] == {
        "use": "a",
        "weight": 1,
        "layers": [3],
    }
    assert merge(parent, {"identity": {"use": "b"}}, ()) == {"identity": {"use": "b"}}


def test_nested_components_follow_the_same_rule() -> None:
    parent = {"regularizer": {"use": "r", "network": {"use": "g", "width": 4}}}
    changed = merge(parent, {"regularizer": {"network": {"width": 8}}}, ())
    assert changed["regularizer"]["network"] == {"use": "g", "width": 8}
    changed = merge(parent, {"regularizer": {"network": {"use": "h"}}}, ())
    assert changed["regularizer"]["network"] == {"use": "h"}


def test_conditions_replace_and_a_new_guided_drops_the_old_input() -> None:
    parent = {"task": {"name": "n", "guided": {"Male": False}, "input": {"Male": True}}}
    assert merge(parent, {"task": {"guided": {"Young": True}}}, ()) == {"task": {"name": "n", "guided": {"Young": True}}}
    assert merge(parent, {"task": {"name": "m"}}, ())["task"]["input"] == {"Male": True}


def test_stage_tables_merge_and_arrays_replace() -> None:
    parent = {"train": {"size": 64, "adversarial": {"steps": 1, "pool": 2}}, "enhancer": [{"use": "a"}, {"use": "b"}]}
    changed = merge(parent, {"train": {"adversarial": {"steps": 5}}, "enhancer": []}, ())
    assert changed == {"train": {"size": 64, "adversarial": {"steps": 5, "pool": 2}}, "enhancer": []}


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("train.size=128", {"train": {"size": 128}}),
        ("data.path=/some where/x", {"data": {"path": "/some where/x"}}),
        ("task.guided={Smiling=true}", {"task": {"guided": {"Smiling": True}}}),
        ("train.betas=[0.9, 0.99]", {"train": {"betas": [0.9, 0.99]}}),
    ],
)
def test_overrides_are_toml_values_or_text(override: str, expected: dict[str, Any]) -> None:
    assert apply_overrides({}, [override]) == (expected, [])


def test_overrides_reach_into_arrays() -> None:
    table, found = apply_overrides({"metric": [{"use": "a"}, {"use": "b", "n": 1}]}, ["metric.1.n=2"])
    assert not found and table["metric"] == [{"use": "a"}, {"use": "b", "n": 2}]
    assert len(apply_overrides({"metric": []}, ["metric.0.n=2"])[1]) == 1
    assert apply_overrides({}, ["nonsense"])[1] == [Problem("--set", '"nonsense" is not of the form a.b=value')]


# ---------------------------------------------------------------- recipes


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
    assert made.data.table() == {"use": "folder", "path": "/x", "size": 64}


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


def test_spec_equality_ignores_who_registered(registry: Registry) -> None:
    spec, _ = check("generator", {"use": "plain"}, registry, path="g", shared={})
    assert spec is not None
    assert spec == Spec("generator", "plain", registry.get("generator", "gone"), spec.values)


# ---------------------------------------------------------------- start-up


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["plugins"], ["recipe", "ls"], ["components"]])
def test_looking_imports_neither_torch_nor_numpy_nor_pydantic(arguments: list[str]) -> None:
    code = (
        "import sys; sys.argv = ['attrxfer', *sys.argv[1:]]\n"
        "from attrxfer.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([m for m in ('torch', 'numpy', 'pydantic', 'rich', 'PIL') if m in sys.modules])"
    )
    import subprocess
    import sys

    result = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "[]"
