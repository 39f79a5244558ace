"""Tables laid over tables, and ``--set``."""

from __future__ import annotations

from typing import Any

import pytest

from attrxfer.errors import Problem
from attrxfer.recipe.merging import apply_overrides, merge


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
