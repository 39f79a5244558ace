"""A third party's package: installed, used, removed; and packages that misbehave."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import TINY, attrxfer, attrxfer_process, on_path, package, pip_install
from tests.test_architecture import imports

OUTSIDER = Path(__file__).parents[1] / "outsider"
SETS = [part for override in TINY for part in ("--set", override)]


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package installed by pip, its build backend fetched as any user's pip would."""
    folder = tmp_path_factory.mktemp("target")
    source = shutil.copytree(OUTSIDER, tmp_path_factory.mktemp("source") / "outsider")
    pip_install(source, folder)
    return folder


@pytest.mark.slow
def test_a_third_partys_package_installed_used_and_removed(target: Path, tmp_path: Path) -> None:
    env = {"PYTHONPATH": on_path(target)}
    listed = [line.split() for line in attrxfer_process("plugins", env=env).stdout.splitlines()]
    assert ["outsider", "attrxfer-outsider", "0.1.0", "4"] in listed
    assert "outsider_gender" in attrxfer_process("recipe", "ls", env=env).stdout
    assert attrxfer_process("outsider", env=env).stdout == "hello from a plugin\n"
    run = tmp_path / "run"
    result = attrxfer_process("run", "outsider_gender", "-o", run, "-q", *SETS, env=env)
    assert result.returncode == 0, result.stderr
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [line["stage"] for line in lines][-4:] == ["adversarial", "refining", "refining", "refining"]
    assert lines[-4].keys() >= {"T identity", "T regularizer"} and "refined" in lines[-1]
    metadata = json.loads((run / "bundle" / "attrxfer.json").read_text())
    assert [(step["kind"], step["use"]) for step in metadata["chain"]] == [("generator", "masked"), ("enhancer", "refine")]
    assert metadata["plugins"].keys() == {"diat", "outsider"}

    photo = tmp_path / "photo.png"
    Image.fromarray(np.full((16, 16, 3), 128, np.uint8)).save(photo)
    assert attrxfer_process("transfer", "--aligned", run, photo, "-o", tmp_path / "out", env=env).returncode == 0

    # removed: without the folder on the path the package is not there
    result = attrxfer("run", "outsider_gender", "-o", tmp_path / "other")
    assert result.returncode == 2 and 'no recipe "outsider_gender"' in result.stderr
    result = attrxfer("transfer", "--aligned", run, photo, "-o", tmp_path / "out2")
    assert result.returncode == 2
    assert 'chain[1].use: no enhancer "refine"' in result.stderr and len(result.stderr.splitlines()) == 1


CONTRACT = """
from attrxfer.testing import parametrize_with_checks

SMALL = {"use": "diat", "width": 4, "blocks": 1, "norm": "none"}


@parametrize_with_checks(plugin="outsider", examples={("enhancer", "refine"): {"network": SMALL}})
def test_the_contract(check):
    check()
"""


@pytest.mark.slow
def test_its_own_tests_run_the_contract_suite(target: Path, tmp_path: Path) -> None:
    (tmp_path / "test_contract.py").write_text(CONTRACT)
    env = {**os.environ, "PYTHONPATH": on_path(target), "ATTRXFER_CACHE": str(tmp_path / "cache")}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path), "--rootdir", str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    assert result.returncode == 0, result.stdout
    assert "29 passed" in result.stdout, result.stdout.splitlines()[-1]


@pytest.mark.slow
def test_a_clash_names_both_owners(tmp_path: Path) -> None:
    code = """
from attrxfer.plugin.hookspecs import hookimpl
@hookimpl
def register_components(registry):
    registry.identity("adaptive", "somewhere:Else", summary="")
"""
    result = attrxfer_process("components", env=package(tmp_path, "clashing", code))
    assert result.returncode == 2
    assert result.stderr in (
        'attrxfer: identity "adaptive" is registered by both "clashing" and "diat"\n',
        'attrxfer: identity "adaptive" is registered by both "diat" and "clashing"\n',
    )


@pytest.mark.slow
def test_a_plugin_that_cannot_be_imported_is_named(tmp_path: Path) -> None:
    result = attrxfer_process("plugins", env=package(tmp_path, "broken", "import nowhere_to_be_found"))
    assert result.returncode == 2
    assert result.stderr.startswith('attrxfer: plugin "broken" (broken) cannot be loaded: No module named')
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.slow
def test_a_hook_nobody_calls_is_refused(tmp_path: Path) -> None:
    code = "from attrxfer.plugin.hookspecs import hookimpl\n@hookimpl\ndef register_componets(registry): pass\n"
    result = attrxfer_process("plugins", env=package(tmp_path, "misspelt", code))
    assert result.returncode == 2
    assert '"misspelt"' in result.stderr and "register_componets" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.slow
def test_two_recipes_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "diat_a.toml").write_text("# mine\n")
    code = f"""
from pathlib import Path
from attrxfer.plugin.hookspecs import hookimpl
@hookimpl
def register_recipes():
    return Path({str(tmp_path / "theirs")!r})
"""
    result = attrxfer_process("recipe", "ls", env=package(tmp_path, "copycat", code))
    assert result.returncode == 2 and 'recipe "diat_a" is shipped by both' in result.stderr


def test_it_imports_contracts_only() -> None:
    found = {(file, module) for file in OUTSIDER.rglob("*.py") for module, _ in imports(file)}
    own = {(file, module) for file, module in found if module.split(".")[0] == "attrxfer"}
    assert own
    for file, module in own:
        assert module.startswith(("attrxfer.interfaces", "attrxfer.plugin", "attrxfer.errors")), f"{file.name} imports {module}"
