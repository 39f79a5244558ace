"""The wheel: one file with the core, the plugins and the recipes, usable away from the checkout."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "-q", "-w", str(folder), str(ROOT)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode and "No matching distribution found for hatchling" in result.stderr:
        pytest.skip("no package index within reach, and pip needs hatchling from it")
    assert result.returncode == 0, result.stderr
    (made,) = folder.glob("*.whl")
    return made


@pytest.mark.slow
def test_it_holds_core_plugins_recipes_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    top = {name.split("/")[0] for name in names if ".dist-info" not in name}
    plugins = {path.name for path in (ROOT / "plugins").iterdir() if (path / "__init__.py").is_file()}
    assert top == {"attrxfer", *plugins} and len(plugins) == 11
    assert {f"{package}/py.typed" for package in top} <= names
    assert {"attrxfer_diat/recipes/diat_a_gender.toml", "attrxfer_diat/recipes/paper/diat_a_gender.toml"} <= names
    assert {
        "attrxfer_hub/model_card.md",
        "attrxfer_models/LICENCE.md",
        "attrxfer_web/site/page.js",
        "attrxfer_web/licences/onnxruntime-web.txt",
        "attrxfer_models/models/gender/model.safetensors",
    } <= names
    for part in ("scaffold", "report"):
        templates = {path.relative_to(ROOT).as_posix() for path in (ROOT / "attrxfer" / part / "templates").rglob("*.j2")}
        assert templates and templates <= names
    (entry_points,) = [name for name in names if name.endswith("entry_points.txt")]
    assert "[pytest11]" in zipfile.ZipFile(wheel).read(entry_points).decode()


@pytest.mark.slow
def test_it_works_away_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "-q", "--target", str(tmp_path / "lib"), str(wheel)]
    subprocess.run(command, check=True)
    code = (
        "import sys; sys.path.insert(0, 'lib'); from attrxfer.cli import main; sys.argv = ['attrxfer', *sys.argv[1:]]; main()"
    )
    for arguments, expected in ((["recipe", "ls"], "diat_a_gender"), (["recipe", "check", "diat_a_gender"], "valid")):
        result = subprocess.run(
            [sys.executable, "-c", code, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert expected in result.stdout, result.stderr
    where = "import sys; sys.path.insert(0, 'lib'); import attrxfer_diat; print(attrxfer_diat.register_recipes())"
    result = subprocess.run([sys.executable, "-c", where], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == str(tmp_path / "lib" / "attrxfer_diat" / "recipes")
