"""Every recipe under recipes/: opens with its own command, is valid, runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from attrxfer.engine.folder import RunFolder
from attrxfer.engine.run import Training
from attrxfer.host import Host
from attrxfer.recipe import load
from tests.conftest import TINY

FOLDER = Path(__file__).parents[1] / "recipes"
RECIPES = sorted(FOLDER.rglob("*.toml"))
DRAWN = {"use": "synthetic_faces"}


def name(path: Path) -> str:
    return path.relative_to(FOLDER).with_suffix("").as_posix()


def test_there_are_recipes_and_all_are_registered(host: Host) -> None:
    assert {name(path) for path in RECIPES} == set(host.recipes())
    assert "diat_a_gender" in host.recipes() and "paper/diat_a_gender" in host.recipes()


@pytest.mark.parametrize("path", RECIPES, ids=name)
def test_it_opens_with_its_command(path: Path) -> None:
    command, _, what = path.read_text().partition("\n")[0].removeprefix("# ").partition("        ")
    assert command.split()[:2] == ["attrxfer", "run"]
    assert command.split()[2] in (name(path), f"recipes/{name(path)}.toml")
    assert what.strip()


@pytest.mark.parametrize("path", RECIPES, ids=name)
def test_it_is_valid_and_runs_a_few_steps(path: Path, tmp_path: Path, host: Host) -> None:
    load(path, host)
    recipe = load(path, host, (*TINY, "train.pretrain_generator.steps=1"), DRAWN)
    training = Training(recipe, RunFolder(tmp_path / "run"), host, quiet=True)
    training.create_folder()
    assert (training.train() / "model.safetensors").is_file()


def test_the_papers_recipe_keeps_the_papers_settings(host: Host) -> None:
    recipe = load("paper/diat_a_gender", host)
    assert recipe.train.size == 128 and recipe.task.max_inputs == 2000
    assert recipe.generator.name == "diat" and recipe.generator.values["width"] == 32
    assert recipe.identity[0].values == {"layers": (4, 5), "layer_weights": (), "scale": "paper", "weight": 0.1}
    assert recipe.stage("adversarial").values["rate"] == 1e-5
    assert recipe.adversarial.values["r1"] == 0 and recipe.adversarial.values["shift"] == 0
