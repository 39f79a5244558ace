"""The files for contributors say what is true."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.test_architecture import LAYERS

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))


def read(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text())


def test_the_layers_are_those_of_the_architecture_test() -> None:
    rows = re.findall(r"^\| (\d+) \| (.*?) \|", (ROOT / "CONTRIBUTING.md").read_text(), re.M)
    assert [set(re.findall(r"`(\w+)`", names)) for _, names in rows] == [set(names) for names in LAYERS]
    assert [int(number) for number, _ in rows] == list(range(1, len(LAYERS) + 1))


def test_what_contributing_names_is_there() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text() + (ROOT / ".github" / "pull_request_template.md").read_text()
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    named = {word for call in re.findall(r"`make ([a-z ]+)`", text) for word in call.split()}
    assert named and named <= targets
    paths = re.findall(r"`([\w.]+/[\w./]*)`", text)
    assert paths and all((ROOT / path).exists() for path in paths)


def test_ci_runs_its_script_on_every_python_that_is_supported() -> None:
    job = read(".github/workflows/ci.yml")["jobs"]["test"]
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    assert job["strategy"]["matrix"]["python"][0] == PROJECT["requires-python"].removeprefix(">=")
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


def test_hooks_fetch_nothing() -> None:
    repositories = read(".pre-commit-config.yaml")["repos"]
    hooks = [hook for repository in repositories for hook in repository["hooks"]]
    assert {repository["repo"] for repository in repositories} == {"local"}
    assert {hook["language"] for hook in hooks} == {"system"}
    assert {hook["entry"].split()[0] for hook in hooks} == {"ruff", "mypy"}


def test_the_citation_is_of_this_version() -> None:
    citation = read("CITATION.cff")
    assert (citation["version"], citation["license"]) == (PROJECT["version"], PROJECT["license"])
    assert citation["authors"] == PROJECT["authors"] and citation["cff-version"] == "1.2.0"


@pytest.mark.parametrize("path", [path for path in FORMS if path.stem != "config"], ids=lambda path: str(path.stem))
def test_an_issue_form_asks_for_something(path: Path) -> None:
    form = yaml.safe_load(path.read_text())
    fields = {field["id"]: field for field in form["body"]}
    assert form["name"] and form["description"] and len(fields) == len(form["body"])
    assert any(field["validations"]["required"] for field in fields.values() if "validations" in field)


def test_a_bug_report_has_the_doctors_output_and_the_recipe() -> None:
    labels = [field["attributes"]["label"] for field in read(".github/ISSUE_TEMPLATE/bug.yml")["body"]]
    assert "Output of attrxfer doctor" in labels and "The recipe" in labels
