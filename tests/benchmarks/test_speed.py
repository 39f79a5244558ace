"""The speed suite's smoke form: every section measures, the machine's figures come out ordered, mistakes are one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from benchmarks.speed.__main__ import main
from benchmarks.speed.figure import Figure, ratio
from tests.conftest import TINY

SETS = [part for setting in TINY for part in ("--set", setting)]


def speed(out: Path, *arguments: str) -> Result:
    small = ("--rounds", "1", "--steps", "1", "--sizes", "32", "--batches", "2", "--width", "4", "--images", "40", *SETS)
    return CliRunner().invoke(main, ["-o", str(out), *small, *arguments], catch_exceptions=False)


@pytest.mark.slow
def test_it_measures_and_writes_what_it_measured(tmp_path: Path) -> None:
    result = speed(tmp_path, "--only", "transfer,files,folder,training,data,start-up,growth", "--backends", "torch,onnx")
    assert result.exit_code == 0, result.stderr
    figures = json.loads((tmp_path / "speed.json").read_text())["figures"]
    found = {figure["name"]: figure for figure in figures}
    for name in (
        "onnx over eager torch, 32 px, batch 2",
        "training step / bare loop",
        "waiting for data / training step",
        "exported as onnx_int8, 32 px, batch 2 over eager torch",
        "a pixel at 64 px / at 32 px",
        "peak memory, folder of 160 / of 10",
        "decoding / reading the cache, 32 px",
        "attrxfer --help / empty Python",
        "rows of a batch of 200,000 images / of 2,000",
    ):
        assert found[name]["value"] > 0, name
    assert any(name.startswith("folder of 40 JPEGs / the model alone") for name in found)
    reaches = [bool(figure["reach"]) for figure in figures]
    assert reaches == sorted(reaches, reverse=True), "what has a reach comes first"
    assert found["training step / bare loop"]["low"] <= found["training step / bare loop"]["value"]
    assert (
        "| training step / bare loop |" in (tmp_path / "speed.md").read_text()
        and (tmp_path / "speed.html").read_text().count("<svg") == 3
    )


@pytest.mark.slow
@pytest.mark.parametrize(("arguments", "word"), [(("--only", "sped"), "sped"), (("--backends", "onx"), 'did you mean "onnx"')])
def test_mistakes_are_one_line(tmp_path: Path, arguments: tuple[str, str], word: str) -> None:
    result = speed(tmp_path, *arguments)
    assert result.exit_code == 2 and word in result.stderr and "Traceback" not in result.stderr


def test_a_ratio_is_of_pairs() -> None:
    """A machine that slows down in the second round slows both."""
    found = ratio("a over b", [2.0, 20.0, 2.0], [1.0, 10.0, 1.0])
    assert found.value == found.low == found.high == 2 and found.shown() == "2x (2 to 2)"
    assert Figure("share", 0.0123, "share").shown() == "1.23%"
