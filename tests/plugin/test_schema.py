"""Registry, host and parameters: what is refused, and in which words."""

from __future__ import annotations

import json
from typing import Annotated, Any

import pytest
from pydantic import Field

from attrxfer.errors import PluginError, UnknownName
from attrxfer.interfaces import Generator, Regularizer
from attrxfer.plugin.host import Host
from attrxfer.plugin.parameters import Spec, build, check, schema
from attrxfer.plugin.registry import Registry
from tests.conftest import attrxfer_process

HERE = "tests.plugin.test_schema"


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


def test_a_clash_names_both_owners(registry: Registry) -> None:
    with registry.owned_by("theirs"), pytest.raises(PluginError, match='generator "plain" .* both "ours" and "theirs"'):
        registry.generator("plain", "x:Y", summary="")


def test_unknown_kind_and_target_name_the_plugin(registry: Registry) -> None:
    with registry.owned_by("theirs"):
        with pytest.raises(PluginError, match='"theirs": no kind "generatr"; did you mean "generator"'):
            registry.generatr("x", "x:Y", summary="")  # type: ignore[attr-defined]
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


@pytest.mark.slow
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
    assert problems(registry, "generator", {})[0].startswith("here.use: missing: which generator; known: ")
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


def test_spec_equality_ignores_who_registered(registry: Registry) -> None:
    spec, _ = check("generator", {"use": "plain"}, registry, path="g", shared={})
    assert spec is not None
    assert spec == Spec("generator", "plain", registry.get("generator", "gone"), spec.values)
