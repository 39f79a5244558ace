"""The package under examples/: installed by pip, tested by its own tests, trained by an unchanged recipe."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import TINY, attrxfer_process, on_path, pip_install

EXAMPLE = Path(__file__).parents[2] / "examples" / "avatars"
SETS = [part for override in TINY if not override.startswith("data.") for part in ("--set", override)]

pytest.importorskip("dicebear", reason="the avatars need dicebear-core, dicebear-styles and resvg-py")


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package, installed by pip."""
    folder = tmp_path_factory.mktemp("target")
    pip_install(shutil.copytree(EXAMPLE, tmp_path_factory.mktemp("source") / "avatars"), folder)
    return folder


@pytest.mark.slow
def test_an_unchanged_recipe_trains_on_avatars(target: Path, tmp_path: Path) -> None:
    env = {"PYTHONPATH": on_path(target)}
    different = attrxfer_process("recipe", "diff", "avatars_eyeglasses_removal", "diat_a_eyeglasses_removal", env=env)
    settings = {line.split()[0] for line in different.stdout.splitlines() if line.strip()}
    assert {setting for setting in settings if "." in setting} <= {"data.use", "data.count", "data.faces"} | {
        f"data.{name}" for name in ("faces_per_identity", "confound", "seed")
    }, different.stdout
    run = tmp_path / "run"
    result = attrxfer_process(
        "run", "diat_a_eyeglasses_removal", "-o", run, "-q", "--set", 'data={use="avatars", count=40}', *SETS, env=env
    )
    assert result.returncode == 0, result.stderr
    metadata = json.loads((run / "bundle" / "attrxfer.json").read_text())
    assert metadata["recipe"]["data"]["use"] == "avatars" and metadata["task"]["guided"] == {"Eyeglasses": False}


@pytest.mark.slow
def test_its_own_tests_pass(target: Path, tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": on_path(target), "ATTRXFER_CACHE": str(tmp_path / "cache")}
    tests = shutil.copytree(EXAMPLE / "tests", tmp_path / "tests")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tests), "--rootdir", str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    assert result.returncode == 0 and "10 passed" in result.stdout, result.stdout
