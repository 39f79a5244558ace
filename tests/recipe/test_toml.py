"""Recipes as strangers and other programs write them: one line, never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from attrxfer.errors import InvalidRecipe
from attrxfer.plugin.host import Host
from attrxfer.recipe import load, read
from attrxfer.recipe.tables import spec_of
from attrxfer.recipe.toml import DEEPEST, parse_toml, read_toml
from tests.conftest import attrxfer

BASE = 'extends = "diat_a_gender"\n'
DIGITS, NESTED, TABLES = "9" * 5000, "[" * 5000 + "]" * 5000, "{a=" * 5000 + "1" + "}" * 5000
DEEP, LONG = f"nested more than {DEEPEST} levels deep", "a whole number of more than 64 bits"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"train.seed = {DIGITS}", LONG),
        (f"train.seed = {2**63}", LONG),
        (f"task.guided = {NESTED}", DEEP),
        (f"task.guided = {TABLES}", DEEP),
        (f"{'a.' * 5000}a = 1", DEEP),
        (f"[{'task.' * 5000}a]", DEEP),
    ],
)
def test_what_toml_or_a_recipe_cannot_hold_is_one_line(text: str, said: str, tmp_path: Path, host: Host) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f"{text}\n")
    with pytest.raises(InvalidRecipe) as error:
        load(path, host)
    assert str(error.value) == f"{path}: not TOML: {said}"


def test_what_a_recipe_can_hold_is_read() -> None:
    deep = parse_toml(f"a = {'[' * (DEEPEST - 2)}{2**63 - 1}{']' * (DEEPEST - 2)}\nb = {-(2**63)}")
    assert deep["b"] == -(2**63)
    with pytest.raises(ValueError, match=DEEP):
        parse_toml(f"a = {'[' * DEEPEST}{']' * DEEPEST}")


@pytest.mark.parametrize(
    ("override", "said"),
    [
        (f"train.seed={DIGITS}", LONG),
        (f"task.guided={NESTED}", DEEP),
        (f"{'a.' * 5000}a=1", DEEP),
        (f"{'a.' * 5000}a b=1", DEEP),
    ],
)
def test_an_override_of_any_length_is_one_short_line(override: str, said: str) -> None:
    result = attrxfer("recipe", "check", "diat_a_gender", "--set", override)
    assert result.returncode == 2 and result.stderr.endswith(f' ...": {said}\n') and len(result.stderr) < 300, result.stderr[
        -300:
    ]


@pytest.mark.parametrize("text", [f"{{use={NESTED}}}", f'{{use="input_copy", x={DIGITS}}}'])
def test_a_method_s_table_too(text: str, host: Host) -> None:
    with pytest.raises(Exception, match="no table of TOML") as error:
        spec_of("method", text, host.registry, 64)
    assert len(str(error.value)) < 300


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_byte_order_marks_are_taken(encoding: str, line_end: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(f'# é{line_end}a = "é"{line_end}'.encode(encoding))
    assert read_toml(path) == {"a": "é"}


def test_another_encoding_is_named_with_its_line(tmp_path: Path, host: Host) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(f"{BASE}# é\n".encode("latin-1"))
    with pytest.raises(InvalidRecipe, match=r"mine\.toml: not TOML: not in UTF-8 \(line 2\): save it in UTF-8"):
        load(path, host)


@pytest.mark.parametrize("base", [".", "", "/", "..", "a\\u0000b"])
def test_a_base_that_is_no_recipe_is_named(base: str, tmp_path: Path, host: Host) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f'extends = "{base}"\n')
    with pytest.raises(InvalidRecipe, match=r"mine\.toml: extends: no recipe") as error:
        read(path, host)
    assert len(str(error.value).splitlines()) == 1


def test_a_chain_of_any_length_is_followed_and_a_circle_is_named(tmp_path: Path, host: Host) -> None:
    for number in range(3000):
        (tmp_path / f"{number}.toml").write_text(f'extends = "{number + 1}"\ntrain.seed = {number}\n')
    (tmp_path / "3000.toml").write_text("train.lr = 0.5\n")
    assert read(tmp_path / "0.toml", host) == {"train": {"seed": 0, "lr": 0.5}}
    (tmp_path / "3000.toml").write_text('extends = "2999"\n')
    with pytest.raises(InvalidRecipe, match=r"extends: a circle: 2999.toml -> 3000.toml -> 2999.toml$"):
        read(tmp_path / "0.toml", host)
