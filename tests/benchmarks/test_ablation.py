"""The ablation suite's smoke form: it trains, resumes, scores, compares; and its interval is right."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from attrxfer.plugin.host import Host
from attrxfer.storage.run_folder import RunFolder
from benchmarks.ablation.__main__ import main
from benchmarks.ablation.variants import TASKS, VARIANTS, recipe
from tests.conftest import TINY

SMALL = (
    *(setting for setting in TINY if not setting.startswith("metric") and "adversarial.steps" not in setting),
    "train.face_features.steps=2",
    "train.reconstruction.steps=2",
    "train.denoiser.steps=2",
    "train.global_enhancer.steps=2",
    "train.local_enhancer.steps=2",
)


def ablation(out: Path, *arguments: str) -> Result:
    sets = [part for setting in SMALL for part in ("--set", setting)]
    command = ["-o", str(out), "--classifier-steps", "5", *arguments, *sets]
    return CliRunner().invoke(main, command, catch_exceptions=False)


@pytest.mark.slow
def test_it_trains_compares_and_does_nothing_twice(tmp_path: Path) -> None:
    what = ("--tasks", "gender", "--variants", "diat_a,diat3", "--seeds", "0,1", "--steps", "5", "--images", "6")
    result = ablation(tmp_path, *what)
    assert result.exit_code == 0, result.stderr
    found = json.loads((tmp_path / "ablation.json").read_text())
    assert found.keys() == {"gender/diat_a", "gender/diat3"} and all(len(seeds) == 2 for seeds in found.values())
    scores = found["gender/diat3"][0]
    assert (
        scores["steps"] == 5
        and "reconstruction" in scores["stages"]
        and scores["scores"].keys() >= {"attribute accuracy", "PSNR to truth"}
    )
    assert [point["step"] for point in scores["curve"]] == [1, 2, 3, 4, 5]
    assert np.mean(scores["references"]["input_copy"]["PSNR where nothing should change"]) == 100
    table = (tmp_path / "table.md").read_text()
    for row in ("input_copy", "nearest_guided", "truth", "diat_a", "diat3"):
        assert f"| {row} |" in table
    page = (tmp_path / "page.html").read_text()
    assert page.count("<img") == 4 and "<svg" in page and "http" not in page
    before = (tmp_path / "gender/diat3/seed0/ablation.json").stat().st_mtime_ns
    again = ablation(tmp_path, *what)
    assert again.exit_code == 0 and (tmp_path / "gender/diat3/seed0/ablation.json").stat().st_mtime_ns == before


@pytest.mark.slow
def test_an_enhanced_variant_takes_over_the_plain_ones_network(tmp_path: Path) -> None:
    """DIAT-A is DIAT-A0 and E behind it: trained after it, it takes T over and ends as if it were trained alone."""
    what = ("--tasks", "mouth_open", "--steps", "5", "--images", "6")
    after, alone = tmp_path / "after", tmp_path / "alone"
    for out, variants in ((after, "diat_a0,diat_a"), (alone, "diat_a")):
        result = ablation(out, *what, "--variants", variants)
        assert result.exit_code == 0, result.stderr
    taken, whole = (json.loads((out / "mouth_open/diat_a/seed0/ablation.json").read_text()) for out in (after, alone))
    assert taken["scores"] == whole["scores"] and taken["stages"] == whole["stages"]
    assert [point["attribute accuracy"] for point in taken["curve"]] == [
        point["attribute accuracy"] for point in whole["curve"]
    ]
    trained = [{line["stage"] for line in RunFolder(out / "mouth_open/diat_a/seed0").read_metrics()} for out in (after, alone)]
    assert "adversarial" in trained[1] and "adversarial" not in trained[0] and "local_enhancer" in trained[0]
    weights = [(out / "mouth_open/diat_a/seed0/bundle/model.safetensors").read_bytes() for out in (after, alone)]
    assert weights[0] == weights[1]
    # resumed where a plain one has come meanwhile, a run that began by itself ends by itself
    (alone / "mouth_open/diat_a/seed0/ablation.json").unlink()
    assert ablation(alone, *what, "--variants", "diat_a0,diat_a").exit_code == 0
    again = json.loads((alone / "mouth_open/diat_a/seed0/ablation.json").read_text())
    assert again["scores"] == whole["scores"] and again["seconds"] == whole["seconds"]


@pytest.mark.slow
def test_mistakes_are_one_line(tmp_path: Path) -> None:
    for arguments, word in ((("--steps", "1", "--tasks", "hats"), "hats"), ((), "--minutes or --steps")):
        result = ablation(tmp_path, *arguments)
        assert result.exit_code == 2 and word in result.stderr and "Traceback" not in result.stderr


@pytest.mark.parametrize("task", TASKS)
def test_every_pair_is_the_variant_with_the_task(task: str, host: Host) -> None:
    local = task not in ("gender", "age")
    for variant in VARIANTS:
        found = recipe(task, variant, 3, host, None, ["train.adversarial.steps=7"])
        assert found.task.name == task and found.train.seed == 3 and found.stage("adversarial").values["steps"] == 7
        enhancers = [spec.name for spec in found.enhancer]
        assert enhancers == ([["global"], ["local"]][local] if variant in ("diat_a", "diat") else [])
