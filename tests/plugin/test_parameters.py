"""Constructors as schemas: nested components, constraints, and where a problem's path points."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import Field
from torch import nn

from attrxfer.errors import PluginError
from attrxfer.interfaces import Generator, Regularizer
from attrxfer.plugin.parameters import build, check, check_parameters, schema
from attrxfer.plugin.registry import Registry

HERE = "tests.plugin.test_parameters"


class Small:
    def __init__(self, *, width: Annotated[int, Field(ge=1, le=32)] = 3) -> None:
        self.width = width


class Several:
    def __init__(
        self, *, terms: Annotated[tuple[Regularizer, ...], Field(min_length=1)], base: Generator | None = None
    ) -> None:
        self.terms, self.base = terms, base


class Loose:
    def __init__(
        self, *, conditions: dict[str, bool] | None = None, either: int | str = 1, pair: tuple[float, float] = (0, 1)
    ) -> None:
        self.conditions, self.either, self.pair = conditions, either, pair


class Swallows:
    def __init__(self, **anything: int) -> None: ...


class Opaque:
    def __init__(self, *, thing: Registry) -> None: ...


class Unresolved:
    def __init__(self, *, thing: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821


class Inherits(Small):
    pass


class Plain(nn.Module):
    """A network without a constructor of its own."""


@pytest.fixture
def registry() -> Registry:
    made = Registry()
    made.generator("small", f"{HERE}:Small", summary="")
    made.regularizer("small", f"{HERE}:Small", summary="")
    made.enhancer("several", f"{HERE}:Several", summary="")
    return made


def problems(registry: Registry, table: Any, **shared: Any) -> list[str]:
    return [str(p) for p in check("enhancer", {"use": "several", **table}, registry, path="enhancer[0]", shared=shared)[1]]


def loose(**table: Any) -> list[str]:
    return [str(p) for p in check_parameters(Loose, table, Registry(), path="data", shared={})[1]]


def test_a_constrained_array_of_components_is_filled_and_keeps_its_constraint(registry: Registry) -> None:
    table = {"use": "several", "terms": [{"use": "small"}, {"use": "small", "width": 4}]}
    spec, found = check("enhancer", table, registry, path="e", shared={})
    assert spec is not None and not found
    assert [term.width for term in build(spec, {}).terms] == [3, 4]
    assert problems(registry, {"terms": []}) == ["enhancer[0].terms: array should have at least 1 item, not 0, found []"]
    assert problems(registry, {}) == ["enhancer[0].terms: missing"]
    assert problems(registry, {"terms": {"use": "small"}}) == [
        'enhancer[0].terms: input should be a valid array, found {"use": "small"}'
    ]


def test_a_shared_value_that_does_not_fit_is_traced_to_train(registry: Registry) -> None:
    table = {"terms": [{"use": "small"}]}
    assert problems(registry, table, width=64) == [
        "enhancer[0].terms[0].width: input should be less than or equal to 32, found 64 in [train]"
    ]
    own = {"terms": [{"use": "small", "width": 64}]}
    assert problems(registry, own, width=8) == [
        "enhancer[0].terms[0].width: input should be less than or equal to 32, found 64"
    ]


def test_equal_tables_of_different_kinds_are_different_objects(registry: Registry) -> None:
    table = {"use": "several", "terms": [{"use": "small"}, {"use": "small"}], "base": {"use": "small"}}
    spec, _ = check("enhancer", table, registry, path="e", shared={})
    assert spec is not None
    made = build(spec, {})
    assert made.terms[0] is made.terms[1] and made.base is not made.terms[0]


def test_one_memo_is_shared_by_top_level_and_nested_components_but_not_by_networks_that_train_for_their_owner(
    registry: Registry,
) -> None:
    memo: dict[str, Any] = {}
    term, _ = check("regularizer", {"use": "small", "width": 3}, registry, path="r", shared={})
    alone, _ = check("generator", {"use": "small", "width": 3}, registry, path="g", shared={})
    holder, _ = check(
        "enhancer", {"use": "several", "terms": [{"use": "small"}], "base": {"use": "small"}}, registry, path="e", shared={}
    )
    assert alone is not None and holder is not None and term is not None
    made = build(holder, memo)
    assert made.terms[0] is build(term, memo)
    assert made.base is not build(alone, memo) and build(holder, memo) is made


def test_paths_keep_names_that_are_no_identifiers_and_drop_union_labels() -> None:
    assert loose(conditions={"5 o'clock": 1}) == ["data.conditions.5 o'clock: input should be a valid boolean, found 1"]
    assert {line.partition(":")[0] for line in loose(either=[])} == {"data.either"}
    assert loose(pair=[0.5]) == ["data.pair[1]: missing"]


@pytest.mark.parametrize(("cls", "name"), [(Swallows, "anything"), (Opaque, "Registry"), (Unresolved, "Nowhere")])
def test_constructors_that_no_recipe_can_fill_are_the_plugins_fault(cls: type, name: str) -> None:
    with pytest.raises(PluginError, match=f"{HERE}.{cls.__name__}.*{name}"):
        schema(cls)


def test_an_inherited_constructor_counts() -> None:
    assert list(schema(Inherits).model.model_fields) == ["width"]


def test_a_torch_module_without_a_constructor_has_no_parameters() -> None:
    assert schema(Plain).model.model_fields == {} and not schema(Plain).nested
