"""``ablate`` and ``sweep``: trained, scored on the same images, resumed, and refused where runs cannot be compared."""

from __future__ import annotations

import csv
import json
import pickle
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from attrxfer.errors import AttrxferError, DataError
from attrxfer.interfaces import Job
from attrxfer.plugin.host import Host
from attrxfer.workflows.ablate import ablate, named
from attrxfer.workflows.sweep import combinations
from attrxfer.workflows.trial import Budget
from tests.conftest import TINY, attrxfer

SETTINGS = [
    part
    for setting in (*(one for one in TINY if not one.startswith("metric")), 'metric=[{use="truth"}, {use="preserved"}]')
    for part in ("--set", setting)
]


@pytest.mark.slow
def test_recipes_are_trained_with_every_seed_and_nothing_twice(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text('extends = "diat_a_gender"\n[identity]\nweight = 5.0\n')
    command: tuple[str | Path, ...] = (
        "ablate",
        "diat_a_gender",
        tmp_path / "other.toml",
        *SETTINGS,
        "--seeds",
        "0,1",
        "-o",
        tmp_path / "out",
    )
    first = attrxfer(*command, "--limit", "6", "--steps", "3")
    assert first.returncode == 0, first.stderr
    assert "[4/4] other, seed 1: training, 3 steps of adversarial" in first.stderr
    with (tmp_path / "out" / "scores.csv").open() as file:
        rows = list(csv.DictReader(file))
    psnr = {row["candidate"]: row for row in rows if row["score"] == "PSNR to truth"}
    assert list(psnr)[:2] == ["diat_a_gender", "other"] and "input_copy" in psnr
    assert float(psnr["other"]["low"]) < float(psnr["other"]["value"]) < float(psnr["other"]["high"])
    seeds = [json.loads((tmp_path / "out" / "other" / f"seed{seed}" / "seed.json").read_text()) for seed in (0, 1)]
    mean = float(np.mean([one["per_image"]["PSNR to truth"] for one in seeds]))
    assert float(psnr["other"]["value"]) == pytest.approx(mean, abs=1e-3)
    page = (tmp_path / "out" / "page.html").read_text()
    assert page.count("<img") == 4 and "identity.weight" in page and "train.seed" not in page
    assert r"\begin{tabular}" in (tmp_path / "out" / "scores.tex").read_text()
    before = (tmp_path / "out" / "other" / "seed1" / "seed.json").stat().st_mtime_ns
    again = attrxfer(*command, "--limit", "6", "--steps", "3")
    assert again.stderr.count("done before") == 4 and again.stdout == first.stdout
    assert (tmp_path / "out" / "other" / "seed1" / "seed.json").stat().st_mtime_ns == before
    # another measure, or another recipe of the same name, is no comparison
    assert "runs have images 6, not 7" in attrxfer(*command, "--limit", "7", "--steps", "3").stderr
    (tmp_path / "other.toml").write_text('extends = "diat_a_gender"\n[identity]\nweight = 6.0\n')
    changed = attrxfer(*command, "--limit", "6", "--steps", "3")
    assert changed.returncode == 2 and "identity.weight 5.0, not 6.0" in changed.stderr


@pytest.mark.slow
def test_an_interrupted_ablation_goes_on(tmp_path: Path) -> None:
    command: tuple[str | Path, ...] = (
        "ablate",
        "diat_a_gender",
        *SETTINGS,
        "--limit",
        "4",
        "--minutes",
        "0.01",
        "-o",
        tmp_path / "out",
    )
    assert attrxfer(*command).returncode == 0
    run = tmp_path / "out" / "diat_a_gender" / "seed0"
    weights = (run / "bundle" / "model.safetensors").read_bytes()
    steps = sum(json.loads(line)["stage"] == "adversarial" for line in (run / "metrics.jsonl").read_text().splitlines())
    assert steps > 1
    (run / "seed.json").unlink()  # stopped while it was scored
    again = attrxfer(*command)
    assert again.returncode == 0 and f"going on, {steps} steps" in again.stderr
    assert (run / "bundle" / "model.safetensors").read_bytes() == weights


@pytest.mark.slow
def test_a_sweep_chooses_on_the_validation_images(tmp_path: Path) -> None:
    command = ("sweep", "diat_a_gender", *SETTINGS, "--set", "train.adversarial.lr=1e-9,1e-2", "--limit", "6", "--steps", "4")
    result = attrxfer(*command, "-o", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    means = {}
    for lr in ("1e-9", "1e-2"):
        kept = json.loads((tmp_path / "out" / f"train.adversarial.lr={lr}" / "seed0" / "seed.json").read_text())
        means[lr] = kept["validation"]["PSNR to truth"]["value"]
    best = max(means, key=lambda lr: means[lr])
    assert f"best on the validation images, by PSNR to truth: train.adversarial.lr={best}" in result.stdout
    assert means["1e-9"] != means["1e-2"] and "validation: PSNR to truth" in result.stdout


def test_what_cannot_be_compared_is_refused_before_training(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for arguments, said in (
        (
            ("ablate", "diat_a_gender", "diat_a_age", *SETTINGS),
            'diat_a_age: has task.guided {"Young": true}, but diat_a_gender',
        ),
        (("ablate", "diat_a_gender", *SETTINGS, "--set", "metric=[]"), "names no [[metric]]"),
        (("ablate", "diat_a_gender", *SETTINGS, "--steps", "2", "--minutes", "1"), "give one of them"),
        (("ablate", "diat_a_gender", *SETTINGS, "--seeds", "a"), "list of numbers"),
        (("sweep", "diat_a_gender", "--set", "train.lr=1"), "nothing varies"),
        (("sweep", "diat_a_gender", "--set", "train.lrr=1,2"), "train.lrr"),
    ):
        result = attrxfer(*arguments, "-o", out)
        assert result.returncode == 2 and said in result.stderr and not list(out.rglob("recipe.toml")), result.stderr


def test_names_of_variants() -> None:
    assert [one.name for one in named(["a/x.toml", "b/x.toml", "diat_a"])] == ["a_x.toml", "b_x.toml", "diat_a"]
    with pytest.raises(AttrxferError, match="named twice"):
        named(["a", "a"])
    variants, shared = combinations("r", ["a.b=1,2", "c=x/y,[1, 2]", "d=[3, 4]"])
    assert [one.name for one in variants] == ["a.b=1 c=x_y", "a.b=1 c=[1, 2]", "a.b=2 c=x_y", "a.b=2 c=[1, 2]"]
    assert variants[1].overrides == ("a.b=1", "c=[1, 2]") and shared == ["d=[3, 4]"]


class Backwards:
    """An engine whose worker is this process: what it gets was pickled, and the last task comes first."""

    def run(self, job: Job, portions: Sequence[Sequence[Any]]) -> Generator[tuple[Any, Any]]:
        work = pickle.loads(pickle.dumps(job)).open()
        for portion in reversed(portions):
            yield from zip(portion, work(pickle.loads(pickle.dumps(portion))), strict=True)


class Losing:
    """An engine that loses its worker at every task."""

    def run(self, job: Job, portions: Sequence[Sequence[Any]]) -> Generator[tuple[Any, Any]]:
        for portion in portions:
            yield portion[0], DataError("2 workers were lost at it")


@pytest.mark.slow
def test_workers_train_what_this_process_trains(tmp_path: Path, host: Host) -> None:
    overrides = [*(one for one in TINY if not one.startswith("metric")), 'metric=[{use="truth"}]']
    variants = named(["diat_a_gender"])
    budget = Budget(steps=2, images=4)
    said: list[str] = []
    here, there = (
        ablate(
            variants,
            host,
            seeds=(0, 1),
            out=tmp_path / str(bool(engine)),
            budget=budget,
            overrides=overrides,
            engine=engine,
            say=said.append,
        )
        for engine in (None, Backwards())
    )
    assert there.comparison.scores["input_copy"] == here.comparison.scores["input_copy"]
    own, same = (dict(one.comparison.scores["diat_a_gender"]) for one in (here, there))
    del own["minutes of training"], same["minutes of training"]
    assert own == same and own["PSNR to truth"]["value"]
    assert said[2:] == ["[2/2] diat_a_gender, seed 1: trained", "[1/2] diat_a_gender, seed 0: trained"]
    with pytest.raises(AttrxferError, match="diat_a_gender, seed 0: 2 workers were lost"):
        ablate(variants, host, seeds=(0,), out=tmp_path / "lost", budget=budget, overrides=overrides, engine=Losing())
