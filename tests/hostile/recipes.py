"""Recipes with other values and bytes, and settings of the command line."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Callable, Mapping
from typing import Any

import tomlkit

from attrxfer.plugin.host import load as load_host
from tests.conftest import TINY
from tests.hostile.spoiling import restructured, spoilt_bytes
from tests.hostile.trial import Kind, printed

WORDS = (
    *("true", "false", "0", "-1", "1e999", "nan", "-inf", "1.5", '""', '"x"', "[]", "{}", "[[[]]]", "2**9", "'", '"', "\x00"),
    *("{a=1}", '{use="x"}', '{use="masked"}', "[1,2", "9" * 5000, "[" * 2000, "x" * 100_000, "\x1b[2J", "\ud800", "1979-05-27"),
    *("../../x", "/dev/zero", "/", ".", "..", "1\n2", "a = 1", "\u202e", "0x10", "1_000", "10000000000000000000000"),
)
"""Values of settings."""
ODD_KEYS = (
    "",
    ".",
    "a..b",
    "train",
    "train.",
    "use",
    "metric[0]",
    "metric[9]",
    "metric[-1]",
    "generator",
    "x.y.z",
    "\x1b",
    "=",
)


def _writable(value: Any) -> Any:
    """A value that TOML can hold."""
    if isinstance(value, dict):
        return {str(key): _writable(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_writable(inner) for inner in value if inner is not None]
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    return value if not isinstance(value, int) or abs(value) < 10**30 else 10**30


class Recipes(Kind):
    """A recipe that a stranger wrote."""

    name = "recipes"

    def spoil(self, chance: random.Random) -> str:
        recipes = load_host().recipes()
        name = chance.choice(sorted(recipes))
        text = recipes[name].read_text()
        if chance.random() < 0.4:
            content, said = spoilt_bytes(text.encode(), chance)
        else:
            tree, said = restructured(tomllib.loads(text), chance)
            try:
                content = tomlkit.dumps(_writable(tree)).encode("utf-8", "replace")
            except Exception:  # a value that TOML has no form for
                content, said = spoilt_bytes(text.encode(), chance)
        (self.input / "a.toml").write_bytes(content)
        return f"{name}: {said}"

    def actions(self) -> Mapping[str, Callable[[], object]]:
        file = self.input / "a.toml"
        return {
            "check": lambda: printed("recipe", "check", file),
            "show": lambda: printed("recipe", "show", file),
            "diff": lambda: printed("recipe", "diff", file, "diat_a_gender"),
        }


class Overrides(Kind):
    """Settings of the command line."""

    name = "overrides"

    def spoil(self, chance: random.Random) -> str:
        recipes = load_host().recipes()
        self.recipe = chance.choice(sorted(recipes))
        keys = [setting.split("=")[0] for setting in TINY]
        self.settings = []
        for _ in range(chance.choice((1, 1, 3))):
            key = chance.choice((*keys, *keys, *ODD_KEYS, "data.path", "identity.use", "generator.use", "extends"))
            self.settings.append(f"{key}{chance.choice(('=', '=', '=', '', '=='))}{chance.choice(WORDS)}")
        return f"{self.recipe}: {' '.join(self.settings)[:150]!r}"

    def actions(self) -> Mapping[str, Callable[[], object]]:
        def settings() -> list[str]:
            return [part for setting in self.settings for part in ("--set", setting)]

        return {
            "check": lambda: printed("recipe", "check", self.recipe, *settings()),
            "show": lambda: printed("recipe", "show", self.recipe, *settings()),
            "diff": lambda: printed("recipe", "diff", self.recipe, "diat_a_gender", *settings()),
        }
