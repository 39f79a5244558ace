"""Fixtures: a cache of the tests' own, and the smallest recipe that trains."""

from __future__ import annotations

import copy
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

# tests start pytest themselves: its options are not theirs. Workers of pytest-xdist share the cores.
os.environ.pop("PYTEST_ADDOPTS", None)
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from click.testing import CliRunner

from attrxfer.cli import cli
from attrxfer.cli.boundary import Group
from attrxfer.model.loading import load_model
from attrxfer.model.torch_model import TorchModel
from attrxfer.plugin import host as hosts
from attrxfer.plugin.host import Host
from attrxfer.recipe import Recipe, load
from attrxfer.storage.run_folder import RunFolder
from attrxfer.training.loop import Training

TINY = (
    "data.faces=48",
    "train.size=16",
    "train.batch_size=4",
    "train.checkpoint_every=2",
    "train.threads=1",
    "train.precision=no",
    "generator.width=4",
    "generator.blocks=1",
    "discriminator.width=4",
    "discriminator.hidden=8",
    "metric=[]",
    "report.samples_every=2",
    "report.samples=2",
    "train.recognition.steps=2",
    "train.recognition.batch_size=4",
    "train.pretrain_discriminator.steps=3",
    "train.pretrain_discriminator.batch_size=4",
    "train.adversarial.steps=5",
    "train.adversarial.batch_size=4",
    "train.adversarial.dstep=2",
    "train.adversarial.pool=3",
)


@pytest.fixture(scope="session", autouse=True)
def cache(attrxfer_cache: Path) -> Path:
    """Every test here has it."""
    return attrxfer_cache


@pytest.fixture(scope="session")
def host() -> Host:
    return hosts.load()


def train(host: Host, path: Path, settings: Sequence[str] = TINY) -> Path:
    """A finished run of the quick gender recipe with these settings; nothing is scored."""
    training = Training(load("diat_a_gender", host, settings), RunFolder(path), host, quiet=True)
    training.create_folder()
    training.train()
    return path


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, host: Host) -> Path:
    """The folder of a finished tiny run. It is everybody's: a test that changes it takes a copy."""
    return train(host, tmp_path_factory.mktemp("trained") / "run")


@pytest.fixture(scope="session")
def ray_here() -> Iterator[None]:
    """Ray with two CPUs on this machine, started once: it takes seconds. The engine uses a session that is there."""
    ray = pytest.importorskip("ray", reason="ray is not installed: pip install 'attrxfer[ray]'")
    ray.init(
        address="local",
        num_cpus=2,
        include_dashboard=False,
        object_store_memory=100 * 2**20,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    yield
    ray.shutdown()


def load_bundle(path: Path) -> TorchModel:
    """The networks of a bundle, or of a finished run's."""
    model = load_model(path)
    assert isinstance(model, TorchModel)
    return model


@pytest.fixture
def tiny(host: Host) -> Callable[..., Recipe]:
    """The quick gender recipe at 16 px, a few steps of each stage; arguments are further overrides."""

    def make(*overrides: str, name: str = "diat_a_gender") -> Recipe:
        return load(name, host, (*TINY, *overrides))

    return make


def command_line(host: Host) -> Group:
    """``attrxfer`` as its users have it, with the plugins' commands; this process's own ``cli`` stays as it is."""
    whole = copy.copy(cli)
    whole.commands = dict(cli.commands)
    host.add_commands(whole)
    return whole


def attrxfer(*arguments: str | Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command line within this process: a new interpreter takes 3 s to import torch and proves nothing more. The
    plugins are those of the tests. An error that the command line shows nobody (a traceback) is raised here."""
    host = hosts.load()
    command = list(map(str, arguments))
    result = CliRunner().invoke(
        command_line(host), command, obj=host.registry, prog_name="attrxfer", env=env, catch_exceptions=False
    )
    return subprocess.CompletedProcess(command, result.exit_code, result.stdout, result.stderr)


def attrxfer_process(
    *arguments: str | Path, env: dict[str, str] | None = None, launcher: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own: for other plugins, signals, launchers, imports."""
    command = [*(launcher or [sys.executable]), "-m", "attrxfer", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **(env or {})}, timeout=300, check=False)


def pip_install(source: Path, target: Path) -> None:
    """Install a package into a folder, its build backend fetched as any user's pip would; skips where nothing can be
    fetched."""
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "-q", "--target", str(target), str(source)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode and "No matching distribution found for hatchling" in result.stderr:
        pytest.skip("no package index within reach, and pip needs hatchling from it")
    assert result.returncode == 0, result.stderr


def metadata_of(folder: Path, name: str) -> None:
    """What pip leaves of a plugin that it installed: its name, version and entry point."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[attrxfer]\n{name} = {name}\n")


def package(folder: Path, name: str, code: str) -> dict[str, str]:
    """A minimal installed plugin of one module; returns the environment in which it is there."""
    metadata_of(folder, name)
    (folder / f"{name}.py").write_text(code)
    return {"PYTHONPATH": on_path(folder)}


def on_path(*folders: Path) -> str:
    """A PYTHONPATH with these folders before those that are there already."""
    return os.pathsep.join([*map(str, folders), os.environ.get("PYTHONPATH", "")])
