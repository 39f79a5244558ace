"""The JSON schema of recipes: shipped recipes keep it, and it refuses what a recipe must not hold."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from attrxfer.plugin.host import Host
from attrxfer.recipe import load
from attrxfer.recipe.json_schema import json_schema
from attrxfer.recipe.merging import apply_overrides
from tests.conftest import attrxfer

jsonschema = pytest.importorskip("jsonschema")
RECIPES = sorted((Path(__file__).parents[2] / "recipes").rglob("*.toml"))


@pytest.fixture(scope="module")
def validator(host: Host) -> Any:
    schema = json_schema(host.registry)
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: str(path.stem))
def test_a_shipped_recipe_keeps_it_as_written_and_filled(path: Path, validator: Any, host: Host) -> None:
    assert not [error.message for error in validator.iter_errors(tomllib.loads(path.read_text()))]
    assert not [error.message for error in validator.iter_errors(load(path, host).filled())]


@pytest.mark.parametrize(
    "wrong",
    [
        "indentity.use='adaptive'",
        "identity.wieght=1",
        "identity={use='adaptve'}",
        "identity={use='adaptive', width=3}",
        "identity={use='backbone', network={use='face_features', widht=3}}",
        "identity.weight='much'",
        "generator.width=0",
        "generator=[]",
        "metric.0.use='kidd'",
        "stages=['adversarail']",
        "task.guided={Male=1}",
        "train.size=8",
        "train.batch=4",
        "train.adversarail.steps=4",
        "train.adversarial.steps=-1",
        "train.adversarial.use='adversarial'",
        "report.sample=3",
    ],
)
def test_what_a_recipe_must_not_hold_is_refused(wrong: str, validator: Any, host: Host) -> None:
    filled = load("diat_a_gender", host).filled()
    assert validator.is_valid(filled)
    changed, problems = apply_overrides(filled, [wrong])
    assert not problems and changed != filled
    assert not validator.is_valid(changed)


def test_a_recipe_that_extends_nothing_has_its_sections(validator: Any, host: Host) -> None:
    filled = load("diat_a_gender", host).filled()
    del filled["generator"]
    assert not validator.is_valid(filled)
    assert validator.is_valid({**filled, "extends": "diat_a"})


def test_the_command_prints_it_with_what_each_setting_is(host: Host, tmp_path: Path) -> None:
    text = attrxfer("recipe", "schema").stdout
    printed = json.loads(text)
    assert printed == json_schema(host.registry)
    assert attrxfer("recipe", "schema", "-o", tmp_path / "recipe.schema.json").stdout == ""
    assert (tmp_path / "recipe.schema.json").read_text() == text
    described = printed["definitions"]["identity.adaptive"]["properties"]["weight"]
    assert described["description"] and described["default"] is not None
