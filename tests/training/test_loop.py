"""A run: stages, checkpoints, interruption, resume to the bit, non-finite losses, several processes."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from attrxfer.errors import AttrxferError, Interrupted, NonFiniteLoss
from attrxfer.plugin.host import Host
from attrxfer.recipe import Recipe
from attrxfer.storage import state as checkpoint
from attrxfer.storage.run_folder import RunFolder
from attrxfer.training.budget import steps_for
from attrxfer.training.loop import Training
from tests.conftest import TINY, attrxfer, attrxfer_process

Tiny = Callable[..., Recipe]


def train(recipe: Recipe, folder: Path, host: Host, *, resume: bool = False) -> RunFolder:
    training = Training(recipe, RunFolder(folder), host, quiet=True)
    if not resume:
        training.create_folder()
    training.train()
    return training.folder


def weights(folder: RunFolder) -> bytes:
    return (folder.bundle / "model.safetensors").read_bytes()


def losses(folder: RunFolder) -> list[dict[str, Any]]:
    return [{k: v for k, v in line.items() if k != "seconds"} for line in folder.read_metrics()]


def stop_at(training: Training, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A SIGTERM arrives during step ``number`` of the run, counted over all stages."""
    count = 0
    record = training._record

    def counted(*arguments: object) -> None:
        nonlocal count
        record(*arguments)  # type: ignore[arg-type]
        count += 1
        if count == number:
            handler = signal.getsignal(signal.SIGTERM)
            assert callable(handler), "a signal would end the tests' own process"
            handler(signal.SIGTERM, None)

    monkeypatch.setattr(training, "_record", counted)


def test_a_run_leaves_everything_in_its_folder(tiny: Tiny, tmp_path: Path, host: Host) -> None:
    folder = train(tiny("train.pretrain_generator.steps=2"), tmp_path / "run", host)
    lines = losses(folder)
    assert [(line["stage"], line["step"]) for line in lines] == [
        *[("pretrain_generator", i) for i in range(2)],
        *[("pretrain_discriminator", i) for i in range(3)],
        *[("adversarial", i) for i in range(5)],
    ]
    assert lines[-1].keys() >= {"D guided", "D generated", "T attribute", "T identity"}
    assert {p.name for p in folder.samples.iterdir()} >= {"source.png", "truth.png", "2-adversarial-0000005.png"}
    info = folder.read_info()
    assert all(line["seconds"] >= 0 for line in folder.read_metrics()) and "precision" in info["environment"]
    assert "Male" in info["data"] and info["environment"]["versions"]["torch"] == torch.__version__.partition("+")[0]
    metadata = json.loads((folder.bundle / "attrxfer.json").read_text())
    assert metadata["task"] == {"name": "gender", "guided": {"Male": False}} and metadata["size"] == 16


@pytest.mark.slow
def test_the_same_recipe_gives_the_same_bytes(tiny: Tiny, tmp_path: Path, host: Host) -> None:
    one, other = (train(tiny(), tmp_path / name, host) for name in "ab")
    assert weights(one) == weights(other)
    assert losses(one) == losses(other)
    assert weights(train(tiny("train.seed=1"), tmp_path / "c", host)) != weights(one)


@pytest.mark.slow
@pytest.mark.parametrize("moment", [1, 3, 4, 6, 7])
def test_an_interrupted_run_ends_with_the_same_bits(
    moment: int, tiny: Tiny, tmp_path: Path, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(tiny(), tmp_path / "whole", host)
    folder = RunFolder(tmp_path / "parts")
    training = Training(tiny(), folder, host, quiet=True)
    training.create_folder()
    stop_at(training, moment, monkeypatch)
    with pytest.raises(Interrupted, match=f"go on with: attrxfer run --resume {folder.path}"):
        training.train()
    assert len(losses(folder)) == moment
    train(tiny(), folder.path, host, resume=True)
    assert weights(folder) == weights(whole)
    assert losses(folder) == losses(whole)


@pytest.mark.slow
def test_finished_stages_are_skipped(tiny: Tiny, tmp_path: Path, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = train(tiny(), tmp_path / "run", host)
    before = weights(folder)
    monkeypatch.setattr(Training, "_run_stage", lambda *arguments: pytest.fail("a stage ran again"))
    train(tiny(), folder.path, host, resume=True)
    assert weights(folder) == before


@pytest.mark.slow
def test_a_run_is_not_overwritten(tiny: Tiny, tmp_path: Path, host: Host) -> None:
    train(tiny(), tmp_path / "run", host)
    with pytest.raises(AttrxferError, match="a run is here already; resume it with: attrxfer run --resume"):
        train(tiny(), tmp_path / "run", host)


def test_a_non_finite_loss_is_named_and_the_checkpoint_kept(
    tiny: Tiny, tmp_path: Path, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    from attrxfer_diat.identity import Adaptive

    calls = 0

    def poisoned(self: Adaptive, step: object) -> torch.Tensor:
        nonlocal calls
        calls += 1
        return torch.tensor(float("nan") if calls > 3 else 0.0)

    monkeypatch.setattr(Adaptive, "__call__", poisoned)
    with pytest.raises(NonFiniteLoss, match=r"adversarial, step 3: T identity = nan; the last good checkpoint is kept"):
        train(tiny(), tmp_path / "run", host)
    content = checkpoint.load(tmp_path / "run" / "checkpoints")
    assert content is not None and (content["stage"], content["step"]) == (2, 2)
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if line["stage"] == "adversarial"] == [0, 1, 2], "the file is closed"
    assert NonFiniteLoss.exit_code not in (0, 1, 2)


@pytest.mark.slow
def test_what_is_timed_before_a_run_of_some_minutes_is_no_run(tiny: Tiny, tmp_path: Path, host: Host) -> None:
    found = steps_for(0.01, tiny("train.trackers=['tensorboard']"), tmp_path / "run", host)
    assert found.train.trackers == ("tensorboard",) and found.stage("adversarial").values["steps"] >= 1
    assert not (tmp_path / "run").exists(), "no tracker began"


def test_precision_layout_and_trackers_are_settings(tiny: Tiny, tmp_path: Path, host: Host) -> None:
    pytest.importorskip("tensorboard")
    plain = train(tiny(), tmp_path / "plain", host)
    half = train(tiny("train.precision=bf16", "train.trackers=['tensorboard']"), tmp_path / "half", host)
    rows = train(tiny("train.channels_last=false"), tmp_path / "rows", host)
    tensors = [load_file(folder.bundle / "model.safetensors") for folder in (plain, half, rows)]
    for name, tensor in tensors[0].items():
        assert tensor.dtype == tensors[1][name].dtype and tensors[1][name].isfinite().all()
        torch.testing.assert_close(tensors[2][name], tensor, rtol=1e-2, atol=1e-3)
    assert weights(half) != weights(plain)
    assert list((tmp_path / "half").rglob("events.out.tfevents*")) and not list((tmp_path / "plain").rglob("events.out*"))


@pytest.mark.slow
def test_precision_auto_is_bf16_only_where_there_are_units_for_it(
    tiny: Tiny, tmp_path: Path, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {}
    for units, expected in ((True, "bf16"), (False, "no")):
        monkeypatch.setattr("attrxfer.training.devices.has_bfloat16", lambda units=units: units)
        folder = train(tiny("train.precision=auto"), tmp_path / expected, host)
        assert folder.read_info()["environment"]["precision"] == expected
        found[expected] = weights(folder)
    assert found["bf16"] != found["no"] == weights(train(tiny(), tmp_path / "plain", host))


# ---------------------------------------------------------------- stages


@pytest.mark.slow
def test_stages_can_be_listed(tiny: Tiny, tmp_path: Path, host: Host) -> None:
    folder = train(tiny("stages=['adversarial']"), tmp_path / "run", host)
    assert {line["stage"] for line in losses(folder)} == {"adversarial"}


# ---------------------------------------------------------------- checkpoints


def test_a_checkpoint_round_trip_keeps_types_and_bits(tmp_path: Path) -> None:
    adam = torch.optim.Adam([torch.nn.Parameter(torch.randn(3, 2, 2, 2).contiguous(memory_format=torch.channels_last))])
    adam.param_groups[0]["params"][0].grad = torch.randn(3, 2, 2, 2)
    adam.step()
    state: dict[Any, Any] = {
        "optimizer": adam.state_dict(),
        "nested": [1, 2.5, None, True, ("x", torch.arange(3))],
        7: torch.ones(()),
    }
    checkpoint.save(tmp_path, "01", state)
    loaded = checkpoint.load(tmp_path)
    assert loaded is not None and loaded.keys() == state.keys()
    assert loaded["nested"][:4] == [1, 2.5, None, True] and loaded["nested"][4][0] == "x"
    for key, value in state["optimizer"]["state"][0].items():
        assert torch.equal(loaded["optimizer"]["state"][0][key], value)
    adam.load_state_dict(loaded["optimizer"])


# ---------------------------------------------------------------- whole processes


def sets(*overrides: str) -> list[str]:
    return [part for override in (*TINY, *overrides) for part in ("--set", override)]


@pytest.mark.slow
def test_sigkill_at_random_moments_several_times(tmp_path: Path) -> None:
    """Real SIGKILLs, the moments drawn at random over the training and its writes; the end is the same to the bit."""
    long = ("train.adversarial.steps=160", "train.checkpoint_every=3")
    whole = tmp_path / "whole"
    assert attrxfer("run", "diat_a_gender", "-o", whole, "-q", *sets(*long)).returncode == 0
    folder = tmp_path / "killed"
    command = [sys.executable, "-m", "attrxfer", "run", "-q"]
    start = [*command, "diat_a_gender", "-o", str(folder), *sets(*long)]
    resume = [*command, "--resume", str(folder)]
    kills = 0
    for attempt in range(30):
        process = subprocess.Popen(start if attempt == 0 else resume)
        _wait_for_progress(folder, process)
        time.sleep(random.Random(attempt).uniform(0, 0.4))
        process.send_signal(signal.SIGKILL)
        if process.wait() != -signal.SIGKILL:
            break
        kills += 1
        if kills == 4:
            break
    assert kills >= 3, "the run was too short to be killed"
    result = attrxfer("run", "-q", "--resume", folder)
    assert result.returncode == 0, result.stderr
    assert weights(RunFolder(folder)) == weights(RunFolder(whole))
    assert losses(RunFolder(folder)) == losses(RunFolder(whole))


def _wait_for_progress(folder: Path, process: subprocess.Popen[bytes]) -> None:
    """Until the process has written a checkpoint of its own (or ended)."""
    before = {p.name for p in (folder / "checkpoints").glob("*")}
    until = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < until:
        names = {p.name for p in (folder / "checkpoints").glob("[!.]*")}
        if names - before:
            return
        time.sleep(0.01)


@pytest.mark.slow
def test_a_kill_during_a_write_leaves_the_old_checkpoint(tmp_path: Path) -> None:
    """The process dies inside the write, at each of its steps: before the tensors, between the files, before the rename."""
    code = """
import os, sys, torch
from pathlib import Path
from typing import Any
from attrxfer.storage import state as checkpoint
from attrxfer.storage import files
count = last = 0
def dying(function):
    def call(*arguments, **named):
        global count
        count += 1
        if count == last:
            os.kill(os.getpid(), 9)
        return function(*arguments, **named)
    return call
checkpoint.write_tensors, checkpoint.sha256, files.sync = map(
    dying, (checkpoint.write_tensors, checkpoint.sha256, files.sync)
)
for moment in range(1, 8):
    folder = Path(sys.argv[1]) / str(moment)
    last = 0
    checkpoint.save(folder, "01", {"a": torch.zeros(2)})
    count, last = 0, moment
    process = os.fork()  # a copy of this process, which has imported torch already
    if not process:
        checkpoint.save(folder, "02", {"a": torch.ones(2)})
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))
"""
    result = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    ends = [int(line) for line in result.stdout.split()]
    assert len(ends) == 7 and set(ends) <= {0, -signal.SIGKILL}
    killed = ends.count(-signal.SIGKILL)
    for moment in range(1, 8):
        folder = tmp_path / str(moment)
        content = checkpoint.load(folder)
        assert content is not None and content["a"].tolist() in ([0, 0], [1, 1])
    assert killed >= 4


@pytest.mark.slow
def test_sigterm_says_how_to_go_on(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    command = [sys.executable, "-m", "attrxfer", "run", "diat_a_gender", "-o", str(folder), "-q"]
    process = subprocess.Popen([*command, *sets("train.adversarial.steps=100000")], stderr=subprocess.PIPE, text=True)
    _wait_for_progress(folder, process)  # type: ignore[arg-type]
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == Interrupted.exit_code
    assert stderr.strip().endswith(f"go on with: attrxfer run --resume {folder}")
    assert len(stderr.strip().splitlines()) == 1


TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--master_port", "29611"]
NO_STATISTICS = (
    "generator.norm=none",
    "train.pretrain_generator.steps=2",
    "adversarial.shift=0.1",
    "train.adversarial.steps=4",
)


@pytest.mark.slow
def test_two_processes_equal_one_with_the_doubled_batch(tmp_path: Path) -> None:
    one = attrxfer(
        "run",
        "diat_a_gender",
        "-o",
        tmp_path / "one",
        "-q",
        *sets(
            *NO_STATISTICS, "train.batch_size=8", "train.pretrain_discriminator.batch_size=8", "train.adversarial.batch_size=8"
        ),
    )
    assert one.returncode == 0, one.stderr
    two = attrxfer_process(
        "run",
        "diat_a_gender",
        "-o",
        tmp_path / "two",
        "-q",
        *sets(*NO_STATISTICS),
        launcher=TORCHRUN,
        env={"OMP_NUM_THREADS": "1"},
    )
    assert two.returncode == 0, two.stderr
    single, double = (load_file(tmp_path / name / "bundle" / "model.safetensors") for name in ("one", "two"))
    assert single.keys() == double.keys()
    for name, tensor in single.items():
        torch.testing.assert_close(tensor, double[name], rtol=1e-3, atol=2e-5, msg=name)
    assert json.loads((tmp_path / "two" / "run.json").read_text())["environment"]["processes"] == 2


@pytest.mark.slow
def test_accelerate_launch_on_cpu_is_refused(tmp_path: Path) -> None:
    result = attrxfer_process(
        "run",
        "diat_a_gender",
        "-o",
        tmp_path / "run",
        *sets(),
        launcher=[sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_processes", "2"],
    )
    assert result.returncode != 0
    assert "torchrun --nproc_per_node 2 -m attrxfer run" in result.stderr
    assert not (tmp_path / "run").exists()


def test_a_run_that_trains_keeps_others_out(tmp_path: Path) -> None:
    """And lets go of the folder when it ends, by an error too."""
    folder = RunFolder(tmp_path / "run")
    with pytest.raises(RuntimeError), folder.occupied():
        with pytest.raises(AttrxferError, match="another process is training here"), folder.occupied():
            pass
        raise RuntimeError
    with folder.occupied():
        pass


@pytest.mark.slow
def test_without_a_step_between_samples_each_stage_is_drawn_at_its_end(
    tiny: Callable[..., Recipe], host: Host, tmp_path: Path
) -> None:
    recipe = tiny("report.samples_every=0")
    train(recipe, tmp_path / "run", host)
    drawn = sorted(path.name for path in (tmp_path / "run" / "samples").glob("*.png"))
    steps = recipe.stage("adversarial").values["steps"]
    assert "source.png" in drawn and [name for name in drawn if "adversarial" in name] == [f"2-adversarial-{steps:07d}.png"]


@pytest.mark.slow
def test_a_recipe_object_can_be_trained(tmp_path: Path) -> None:
    import attrxfer

    recipe = attrxfer.Recipe.load("diat_a_gender", *TINY)
    assert recipe.train.size == 16
    run = attrxfer.train(recipe, out=tmp_path / "run")
    assert attrxfer.load(run).size == 16
    with pytest.raises(AttrxferError, match=r"give them to Recipe\.load"):
        attrxfer.train(recipe, "train.size=32")
