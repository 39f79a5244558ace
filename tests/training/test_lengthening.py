"""A finished run is lengthened, and ends as if it had had these steps from the beginning."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from attrxfer.errors import AttrxferError
from attrxfer.plugin.host import Host
from attrxfer.storage.run_folder import RunFolder
from attrxfer.training.lengthening import lengthened
from attrxfer.workflows import train as workflow
from tests.conftest import TINY, attrxfer, train

MORE = "train.adversarial.steps=8"


def weights(run: Path) -> bytes:
    return (run / "bundle" / "model.safetensors").read_bytes()


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """A copy of the finished run, which these tests change."""
    return shutil.copytree(trained, tmp_path / "run")


@pytest.mark.slow
def test_a_finished_run_is_lengthened_to_the_bit(run: Path, tmp_path: Path, host: Host) -> None:
    whole = train(host, tmp_path / "whole", (*TINY, MORE))
    assert weights(run) != weights(whole)
    result = attrxfer("run", "--resume", run, "--set", MORE)
    assert result.returncode == 0, result.stderr
    assert weights(run) == weights(whole)
    steps = [line["step"] for line in RunFolder(run).read_metrics() if line["stage"] == "adversarial"]
    assert steps == list(range(8)) and "steps = 8" in (run / "recipe.toml").read_text()
    assert json.loads((run / "bundle" / "attrxfer.json").read_text())["recipe"]["train"]["adversarial"]["steps"] == 8


@pytest.mark.slow
def test_the_stages_after_it_are_trained_again(tmp_path: Path, host: Host) -> None:
    settings = (*TINY, 'enhancer=[{use="global", network={use="diat", width=4, norm="none"}}]', "train.global_enhancer.steps=3")
    run, whole = train(host, tmp_path / "run", settings), train(host, tmp_path / "whole", (*settings, MORE))
    workflow.resume(run, host, overrides=[MORE], quiet=True)
    assert weights(run) == weights(whole)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("train.lr=0.5", "train.lr is 0.0002 in this run, not 0.5: of a run that has begun only train.STAGE.steps"),
        ("train.adversarial.steps=4", "adversarial has 5 steps already, more than 4"),
        ("train.pretrain_discriminator.steps=9", "pretrain_discriminator is done and its last state was not kept"),
        ("data.faces=49", "data.faces is 48"),
    ],
)
def test_what_cannot_be_changed_is_said_and_nothing_is(setting: str, said: str, run: Path, host: Host) -> None:
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file() and path.name != ".lock"}
    with pytest.raises(AttrxferError) as error:
        lengthened(RunFolder(run), [setting], host)
    assert said in str(error.value)
    assert before == {path: path.read_bytes() for path in run.rglob("*") if path.is_file() and path.name != ".lock"}


@pytest.mark.slow
def test_from_trains_a_model_further_by_its_own_recipe(run: Path, tmp_path: Path) -> None:
    none = ("--set", "train.pretrain_discriminator.steps=0", "--set", "train.adversarial.steps=0")
    result = attrxfer("run", "--from", run, *none, "-o", tmp_path / "tuned")
    assert result.returncode == 0, result.stderr
    assert weights(tmp_path / "tuned") == weights(run)  # no step was made: it is the model itself
    assert f'start = "{run}"' in (tmp_path / "tuned" / "recipe.toml").read_text()
    unknown = attrxfer("run", "diat_a_gender", "--from", "gendr")
    assert unknown.returncode == 2 and 'did you mean "gender"' in unknown.stderr
    both = attrxfer("run", "--resume", run, "--from", run)
    assert both.returncode == 2 and "leave out" in both.stderr
