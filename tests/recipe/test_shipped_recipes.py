"""Every recipe under recipes/: opens with its own command, is valid, runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from attrxfer.plugin.host import Host
from attrxfer.recipe import Recipe, load
from attrxfer.recipe.assembly import Assembly
from attrxfer.recipe.small import small_recipe
from attrxfer.storage.run_folder import RunFolder
from attrxfer.training.loop import Training
from tests.conftest import TINY, load_bundle

FOLDER = Path(__file__).parents[2] / "recipes"
RECIPES = sorted(FOLDER.rglob("*.toml"))
DRAWN = {"use": "synthetic_faces"}
BEYOND_FACES = ("pictures", "handwriting")


def name(path: Path) -> str:
    return path.relative_to(FOLDER).with_suffix("").as_posix()


def test_there_are_recipes_and_all_are_registered(host: Host) -> None:
    assert {name(path) for path in RECIPES} == set(host.recipes())
    assert "diat_a_gender" in host.recipes() and "paper/diat_a_gender" in host.recipes()


@pytest.mark.parametrize("task", ["mouth_open", "mouth_close", "eyeglasses_removal", "gender", "age"])
def test_a_task_is_the_same_in_every_recipe_of_it(task: str, host: Host) -> None:
    found = [load(f"{folder}{model}_{task}", host) for folder in ("", "paper/") for model in ("diat_a", "diat")]
    found.insert(0, load(f"diat_mask_{task}", host))
    assert {recipe.task.name for recipe in found} == {task}
    assert all(recipe.task.guided == found[0].task.guided for recipe in found)
    enhancers = [[spec.name for spec in recipe.enhancer] for recipe in found]
    assert enhancers == [[], [], [], *[["global" if task in ("gender", "age") else "local"]] * 2]


@pytest.mark.parametrize("task", ["mouth_open", "mouth_close", "eyeglasses_removal", "gender", "age"])
def test_with_data_each_task_has_a_recipe_for_photographs(task: str, host: Host) -> None:
    drawn, photos = load(f"diat_a_{task}", host), load(f"diat_a_{task}", host, data={"use": "folder", "path": "/x"})
    assert photos.task == drawn.task and str(photos.data.values["path"]) == "/x"
    assert [spec.name for spec in photos.identity] == ["adaptive", "embedding"]
    local = ["mask_size"] if task.startswith(("mouth", "eye")) else []
    assert [spec.name for spec in photos.regularizer] == ["classification", "classification", "patches", *local]
    assert photos.reference == f"paper/diat_a_{task}" == drawn.reference


def test_variants_differ_by_what_the_paper_leaves_out(host: Host) -> None:
    """5.1 and 5.5: what each variant has of identity loss, regularizer and enhancement."""
    found = {}
    for variant in ("diat_a", "diat_a0", "diat1", "diat2", "diat3", "diat"):
        recipe = load(f"variants/{variant}", host)
        kinds = (recipe.identity, recipe.regularizer, recipe.enhancer)
        found[variant] = [" ".join(spec.name for spec in specs) for specs in kinds]
    assert found == {
        "diat_a": ["adaptive", "", "global"],
        "diat_a0": ["adaptive", "", ""],
        "diat1": ["", "", ""],
        "diat2": ["backbone", "", ""],
        "diat3": ["backbone", "perceptual", ""],
        "diat": ["backbone", "perceptual", "global"],
    }


def test_the_papers_diat_keeps_the_papers_settings(host: Host) -> None:
    recipe = load("paper/diat_gender", host)
    identity, regularizer = recipe.identity[0].values, recipe.regularizer[0].values
    assert (identity["scale"], identity["weight"], identity["layers"]) == ("paper", 0.1, (4, 5))
    assert (regularizer["scale"], regularizer["weight"]) == ("paper", 0.001)
    assert identity["network"].name == regularizer["network"].name == "vgg_face"
    assert regularizer["reconstruction"].name == recipe.generator.name == "diat"
    assert recipe.stage("adversarial").values["lr"] == 1e-4
    assert recipe.enhancer[0].values["sigma"] == 1.8
    assert load("paper/diat_mouth_open", host).stage("local_enhancer").values["beta"] == (0.1, 0.5, 1.0)


def test_what_stages_share_is_not_a_metrics_affair(host: Host) -> None:
    recipe = load("diat_a_gender", host, ("train.batch_size=5", "train.lr=0.5"))
    metric = next(spec for spec in recipe.metric if spec.name == "attribute_accuracy")
    assert metric.values["batch_size"] == 64 and metric.values["lr"] == 3e-3
    assert recipe.stage("global_enhancer").values["batch_size"] == 5


@pytest.mark.parametrize("path", RECIPES, ids=name)
def test_it_opens_with_its_command(path: Path) -> None:
    command, _, what = path.read_text().partition("\n")[0].removeprefix("# ").partition("        ")
    assert command.split()[:2] == ["attrxfer", "run"]
    assert command.split()[2] in (name(path), f"recipes/{name(path)}.toml")
    assert what.strip()


@pytest.mark.slow
@pytest.mark.parametrize("path", RECIPES, ids=name)
def test_it_is_valid_and_runs_a_few_steps(path: Path, tmp_path: Path, host: Host) -> None:
    recipe = small_recipe(path, host, **_no_files(load(path, host)))
    assert not Assembly(recipe).missing()
    training = Training(recipe, RunFolder(tmp_path / "run"), host, quiet=True)
    training.create_folder()
    assert (training.train() / "model.safetensors").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("guided", ["{Smiling=true}", "{Male=true}", "{Young=false, Smiling=true}"])
def test_any_attribute_is_one_set_away_and_trains(guided: str, tmp_path: Path, host: Host) -> None:
    recipe = load("diat_a_gender", host, (*TINY, f"task.guided={guided}"))
    training = Training(recipe, RunFolder(tmp_path / "run"), host, quiet=True)
    training.create_folder()
    has = training.data.satisfies(recipe.task.guided)
    assert has[training.sets.guided].all() and not has[training.sets.input].any()
    training.train()
    assert load_bundle(tmp_path / "run").guided == recipe.task.guided


def _no_files(recipe: Recipe) -> dict[str, Any]:
    """Overrides that put a network which learns where the paper has VGG-Face's weights, a file of the user's."""
    if recipe.data.name in BEYOND_FACES:
        return {}
    features = {"network": {"use": "face_features"}}
    overrides: dict[str, Any] = {"data": DRAWN, "train": {"local_enhancer": features}}
    if recipe.identity and recipe.identity[0].name == "backbone":
        overrides["identity"] = features
    if recipe.regularizer and recipe.regularizer[0].name == "perceptual":
        overrides["regularizer"] = features
    return overrides


def test_the_papers_recipe_keeps_the_papers_settings(host: Host) -> None:
    recipe = load("paper/diat_a_gender", host)
    assert recipe.train.size == 128 and recipe.task.max_inputs == 2000
    assert recipe.generator.name == "diat" and recipe.generator.values["width"] == 32
    assert recipe.identity[0].values == {
        "layers": (4, 5), "layer_weights": (), "scale": "paper", "weight": 0.1, "discriminator_weight": 0.0,
    }  # fmt: skip
    assert recipe.stage("adversarial").values["lr"] == 1e-5
    assert recipe.adversarial.values["r1"] == 0 and recipe.adversarial.values["shift"] == 0


@pytest.mark.slow
def test_any_other_attribute_is_one_setting_away(tmp_path: Path, host: Host) -> None:
    """Smiling, which has no recipe, and the reverse of a task."""
    recipe = load("diat_a_gender", host, (*TINY, "task.guided={Smiling=true}"))
    training = Training(recipe, RunFolder(tmp_path / "run"), host, quiet=True)
    training.create_folder()
    training.train()
    smiling = training.data.records.attributes["Smiling"]
    assert smiling[training.sets.guided].all() and not smiling[training.sets.input].any()
    assert len(training.sets.guided) and len(training.sets.input)
    assert load_bundle(tmp_path / "run").guided == {"Smiling": True}
    reverse = load("diat_a_gender", host, ("task.guided={Male=true}",))
    assert reverse.task.guided == {"Male": True} and reverse.task.input is None
