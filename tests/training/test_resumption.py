"""A run that goes on: after signals, a full disk, power cuts, from another folder, after edits."""

from __future__ import annotations

import errno
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from attrxfer.data import data_table
from attrxfer.errors import AttrxferError, Interrupted
from attrxfer.plugin.host import Host
from attrxfer.recipe import Recipe, complete, load, read
from attrxfer.storage.run_folder import RunFolder
from attrxfer.testing.fakes import write_tiny_data
from attrxfer.training.changes import edited_settings
from attrxfer.training.loop import Training
from attrxfer.workflows import train as workflow
from tests.conftest import TINY, attrxfer

Tiny = Callable[..., Recipe]


def weights(run: Path) -> bytes:
    return (run / "bundle" / "model.safetensors").read_bytes()


@pytest.fixture
def finished(trained: Path, tmp_path: Path) -> Path:
    """A copy of a finished run."""
    return shutil.copytree(trained, tmp_path / "run")


EDITED = 'train.optimizer: "adam" -> "sgd"'


def edit(recipe: Path) -> None:
    before = recipe.read_text()
    recipe.write_text(before.replace('optimizer = "adam"', 'optimizer = "sgd"'))
    assert recipe.read_text() != before


def resumed(run: Path) -> str:
    """What the command says."""
    result = attrxfer("run", "--resume", run)
    assert result.returncode == 0, result.stderr
    return result.stderr


def test_a_power_cut_costs_steps_and_no_bit(finished: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    before = weights(finished)
    shutil.rmtree(finished / "bundle")
    *_, newest = sorted((finished / "checkpoints").iterdir())
    (newest / "checkpoint.json").write_bytes(b"\0" * 100)
    (finished / "run.json").write_bytes(b"")
    with (finished / "metrics.jsonl").open("ab") as file:
        file.write(b"\0" * 100)
    said = resumed(finished)
    assert "going on from the checkpoint before it" in caplog.text and "adversarial: 5 steps, from 4" in said
    assert weights(finished) == before
    folder = RunFolder(finished)
    assert len(list(folder.read_metrics())) == 8 and {"environment", "data", "recipe"} <= folder.read_info().keys()


def test_an_edited_recipe_of_a_finished_run_is_refused(finished: Path) -> None:
    recipe = finished / "recipe.toml"
    edit(recipe)
    result = attrxfer("run", "--resume", finished)
    assert result.returncode == 2 and result.stderr.splitlines()[-1] == (
        f"attrxfer: {recipe}: was edited ({EDITED}), but this run is finished; train it anew with: "
        f"attrxfer run {recipe} -o FOLDER"
    )


def test_an_edited_recipe_of_a_run_that_goes_on_is_said(finished: Path) -> None:
    shutil.rmtree(finished / "bundle")
    recipe = finished / "recipe.toml"
    assert "was edited" not in resumed(finished)
    shutil.rmtree(finished / "bundle")
    edit(recipe)
    assert f"warning: {recipe} was edited since the run began ({EDITED})" in resumed(finished)


def test_a_run_of_an_earlier_version_lacks_the_newest_settings(host: Host) -> None:
    recipe = load("diat_a_gender", host, TINY)
    began = recipe.filled()
    del began["train"]["deterministic"], began["adversarial"]["zoom"]
    assert edited_settings(recipe, {"recipe": began}) == ""
    began["train"]["lr"] = 0.5
    assert edited_settings(recipe, {"recipe": began}).startswith("train.lr: 0.5 -> ")
    began["train"]["gone"] = 1
    assert "train.gone" in edited_settings(recipe, {"recipe": began}), "what cannot be read is compared as it is"


def test_deleted_images_are_said_and_paths_hold_in_every_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: Host
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    write_tiny_data(tmp_path / "data")
    settings = tuple(setting for setting in TINY if not setting.startswith("data."))
    table = {"use": "csv", "path": "data"}
    recipe = complete({**read("diat_a_gender", host), "data": table}, "csv", host, (*settings, "task.guided={bright=true}"))
    workflow.run(recipe, Path("run"), host, quiet=True)
    run = tmp_path / "run"
    assert load(run / "recipe.toml", host).data.values["path"] == tmp_path / "data"
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert "began with" not in resumed(run)
    labels = tmp_path / "data" / "images.csv"
    header, first, *others = labels.read_text().splitlines()
    labels.write_text("\n".join([header, first.replace("train", "test"), *others, ""]))
    said = "warning: the splits, people or attributes of the images are not those that the run began with: the result is not"
    assert said in resumed(run)
    next((tmp_path / "data").glob("*.png")).unlink()
    assert (
        "warning: the images are not those that the run began with (then 24 images, 24 usable; now 24 images, 23 usable)"
        in resumed(run)
    )


def test_a_start_and_nested_paths_become_absolute(trained: Path, monkeypatch: pytest.MonkeyPatch, tiny: Tiny) -> None:
    monkeypatch.chdir(trained.parent)
    made = tiny("train.start=run", 'metric=[{use="identity", network="run/x.pth"}]').with_absolute_paths()
    assert made.train.start == str(trained)
    assert made.metric[0].values["network"] == trained / "x.pth"
    assert tiny("train.start=gender").with_absolute_paths() == tiny("train.start=gender"), "a shipped model's name stays"


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_signals_stop_a_run_after_its_step(
    name: str, tiny: Tiny, tmp_path: Path, host: Host, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    number = getattr(signal, name)
    before = signal.getsignal(number)
    if before is signal.SIG_IGN:  # under nohup
        signal.signal(number, signal.SIG_DFL)
        request.addfinalizer(lambda: signal.signal(number, before))
    training = Training(tiny("train.adversarial.steps=20"), RunFolder(tmp_path / "a run"), host, quiet=True)
    training.create_folder()

    def stop(stage: object, key: str, done: int) -> None:
        if done == 2:
            handler = signal.getsignal(number)
            assert callable(handler), "a signal would end the tests' own process"
            handler(number, None)

    training.watch = stop
    with pytest.raises(
        Interrupted, match=rf"stopped in pretrain_discriminator at step 2 of 3; go on with: .*resume '{tmp_path}/a"
    ):
        training.train()
    assert [path.name for path in training.folder.checkpoints.iterdir()] == ["01-00000002"]


def test_what_nohup_ignores_stays_ignored(tiny: Tiny, tmp_path: Path, host: Host) -> None:
    training = Training(tiny(), RunFolder(tmp_path / "run"), host, quiet=True)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with training.interruption.watched():
            os.kill(os.getpid(), signal.SIGHUP)
            assert not training.interruption.asked()
    finally:
        signal.signal(signal.SIGHUP, before)


def test_ctrl_c_outside_the_steps_names_the_command_too(
    tiny: Tiny, tmp_path: Path, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(workflow, "score", stop)
    with pytest.raises(Interrupted, match=f"stopped; go on with: attrxfer run --resume {tmp_path}/run$"):
        workflow.run(tiny(), tmp_path / "run", host, quiet=True)
    monkeypatch.setattr(Training, "create_folder", stop)
    with pytest.raises(KeyboardInterrupt):  # nothing to go on with: the command line says the same command
        workflow.run(tiny(), tmp_path / "other", host, quiet=True)


@pytest.mark.parametrize("place", ["safetensors.torch.save_file", "attrxfer.training.previews.write_bytes"])
def test_a_full_disk_is_one_line_and_the_run_goes_on_after_it(
    place: str, tiny: Tiny, tmp_path: Path, host: Host, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        if any((tmp_path / "run" / "checkpoints").glob("[!.]*")):  # after the first checkpoint
            raise OSError(errno.ENOSPC, "No space left on device")
        write(*arguments)

    import safetensors.torch

    from attrxfer.storage.files import write_bytes

    write: Any = safetensors.torch.save_file if place.endswith("save_file") else write_bytes
    with monkeypatch.context() as patched:
        patched.setattr(place, full)
        with pytest.raises(
            AttrxferError, match=rf"^{tmp_path}/run.*: No space left on device; what was written before is whole"
        ):
            workflow.run(tiny(), tmp_path / "run", host, quiet=True)
    workflow.run(load(tmp_path / "run" / "recipe.toml", host), tmp_path / "run", host, resume=True, quiet=True)
    assert weights(tmp_path / "run") == weights(trained)


def test_given_data_are_absolute_from_the_start(tmp_path: Path, host: Host) -> None:
    (tmp_path / "data").mkdir()
    write_tiny_data(tmp_path / "data")
    assert data_table(tmp_path / "data", host.registry.all("dataset"))["path"] == str(tmp_path / "data")
