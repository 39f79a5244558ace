"""benchmarks.rivals: the parts by hand, and the command on tiny networks."""

from __future__ import annotations

import json
import xml.etree.ElementTree as xml
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from attrxfer.data import CachedDataset
from attrxfer.interfaces import Records
from attrxfer.plugin.host import Host
from attrxfer.recipe import load
from benchmarks.rivals.__main__ import _cell, main
from benchmarks.rivals.methods import METHODS, TASK, recipe
from benchmarks.rivals.picture import picture
from benchmarks.rivals.verification import _another


@pytest.mark.parametrize("method", METHODS)
def test_all_methods_learn_one_task_and_no_more(method: str, host: Host) -> None:
    made, task = recipe(method, TASK, 3, host, None, ("train.size=32",)), load(TASK, host).task
    assert made.task.guided == task.guided and made.train.seed == 3 and made.train.size == 32
    assert made.data == load(TASK, host, ("train.size=32",)).data, "the same faces"
    assert made.generator.values.get("attributes", tuple(task.guided)) == tuple(task.guided)


@pytest.mark.parametrize("method", METHODS)
def test_a_method_is_the_same_on_photographs(method: str, host: Host) -> None:
    plain, own = (recipe(method, TASK, 0, host, data) for data in (None, {"use": "synthetic_faces", "faces": 50}))
    assert own.data.values["faces"] == 50
    assert (own.generator, own.adversarial, own.identity, own.regularizer) == (
        *(plain.generator, plain.adversarial, plain.identity, plain.regularizer),
    )
    assert own.train == plain.train


def test_the_picture_is_a_file_of_its_own() -> None:
    drawn = xml.fromstring(picture({"A": [(0, 1.0, 0.0), (1, 0.5, 0.75)], "B & C": [(1, 0.25, 1.0)]}, 0.9, "the truth"))
    name = "{http://www.w3.org/2000/svg}"
    lines = [line.get("points") for line in drawn.iter(f"{name}polyline")]
    assert len(lines) == 2
    (right, bottom), (left, top) = ([float(number) for number in point.split(",")] for point in str(lines[0]).split())
    assert right > left and bottom > top, "more verified is further right, more accurate is higher"
    assert "B & C" in [text.text for text in drawn.iter(f"{name}text")]
    assert [circle.get("r") for circle in drawn.iter(f"{name}circle")] == ["2", "5", "5"]


def test_another_image_is_of_the_same_person() -> None:
    people, split = np.array([0, 1, 0, 2, 0, 0, 0]), np.array([2, 2, 2, 2, 2, 0, 2], np.uint8)
    usable = np.arange(7) < 6  # the last one is broken, and the one before in another split
    records = Records(tuple("abcdefg"), {}, split, people)
    data = CachedDataset(records, usable, (), None, "key", np.zeros((7, 1, 1, 3), np.uint8), None)  # type: ignore[arg-type]
    assert [_another(data, row) for row in range(5)] == [2, 1, 4, 3, 0]


def test_a_cell_has_people_s_interval_or_seeds_range() -> None:
    one, other = {"a": {"value": 0.5, "low": 0.4, "high": 0.6}}, {"a": {"value": 0.7, "low": 0.6, "high": 0.8}}
    assert _cell([one], "a", "share") == "50% (40 to 60)"
    assert _cell([one, other], "a", "share") == "60% (50 to 70)"
    assert _cell([{"a": {"value": 20.0}}], "a", "dB") == "20.0 dB"
    assert _cell([one], "b", "share") == ""


@pytest.mark.slow
def test_it_trains_scores_and_does_nothing_twice(tmp_path: Path) -> None:
    sets = ("data.faces=120", "generator.width=4", "train.batch_size=4", "report.samples=2")
    command = [
        *("--minutes", "0.002", "--methods", "StarGAN,CycleGAN", "--seeds", "0,1", "--images", "6", "--size", "32"),
        *("--classifier-steps", "3", "--verifier-steps", "3", "--verifier-faces", "60", "-o", str(tmp_path)),
        *(part for setting in sets for part in ("--set", setting)),
    ]

    def run() -> dict[str, Any]:
        result = CliRunner().invoke(main, command, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        found: dict[str, Any] = json.loads((tmp_path / "rivals.json").read_text())
        return found

    found = run()
    assert found["methods"].keys() == {"StarGAN", "CycleGAN"} and all(len(seeds) == 2 for seeds in found["methods"].values())
    for seeds in found["methods"].values():
        for one in seeds:
            assert one["curve"][0][1:] == [1.0, found["references"]["the input itself"]["attribute accuracy"]["value"]]
            assert one["scores"].keys() >= {"attribute accuracy at equal verification", "PSNR to truth"}
            assert sum(one["seconds"].values()) >= 0.12
    assert found["references"]["the exact truth"]["closer to truth"]["value"] == 1
    assert "| CycleGAN |" in (tmp_path / "table.md").read_text()
    xml.fromstring((tmp_path / "curve.svg").read_text())
    place = tmp_path / "StarGAN" / "seed0" / "rivals.json"
    before = place.stat().st_mtime_ns
    run()
    assert place.stat().st_mtime_ns == before


def test_mistakes_are_one_line(tmp_path: Path) -> None:
    for wrong in (["--minutes", "1", "--methods", "StyleGAN"], ["--minutes", "1", "--seeds", "a"], []):
        result = CliRunner().invoke(main, [*wrong, "-o", str(tmp_path)])
        assert result.exit_code == 2 and "Traceback" not in result.output
