"""The registry's own methods, and components whose module misbehaves."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from attrxfer.errors import PluginError
from attrxfer.interfaces import KINDS
from attrxfer.plugin.registry import Component, Registry


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_a_method_that_registers_that_kind(kind: str) -> None:
    registry = Registry()
    with registry.owned_by("ours"):
        getattr(registry, kind)("mine", "module:Class", summary="what", licence="MIT", paper="P")
    assert registry.all() == [Component(kind, "mine", "module:Class", "what", "MIT", "P", "ours")]


def test_two_registries_share_nothing() -> None:
    one, other = Registry(), Registry()
    one.generator("mine", "module:Class", summary="")
    assert other.all() == []


def test_equal_names_of_different_kinds_are_no_clash() -> None:
    registry = Registry()
    registry.generator("diat", "a:B", summary="")
    registry.discriminator("diat", "a:C", summary="")
    assert registry.get("generator", "diat").target == "a:B"
    assert registry.get("discriminator", "diat").target == "a:C"


def test_it_says_what_it_does_not_have() -> None:
    assert hasattr(Registry(), "generator") and not hasattr(Registry(), "generatr")


def test_ownership_ends_with_the_block_even_on_errors() -> None:
    registry = Registry()
    with pytest.raises(ValueError, match="stop"), registry.owned_by("theirs"):
        raise ValueError("stop")
    registry.generator("mine", "a:B", summary="")
    assert registry.get("generator", "mine").owner == ""


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("raise RuntimeError('no\\n  library')", "cannot be imported from misbehaving:Class: no library"),
        ("def Class(: pass", "cannot be imported from misbehaving:Class: "),
        ("Class = 3", "misbehaving:Class is not a class"),
    ],
)
def test_a_module_that_fails_in_any_way_is_one_line_that_names_the_plugin(
    code: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "misbehaving.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(PluginError) as caught:
        Component("generator", "mine", "misbehaving:Class", "", owner="theirs").load()
    assert str(caught.value).startswith('plugin "theirs": generator "mine"')
    assert message in str(caught.value) and "\n" not in str(caught.value)
    sys.modules.pop("misbehaving", None)
