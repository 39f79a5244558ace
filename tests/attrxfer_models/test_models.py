"""The shipped models: what their folders hold, and that one command with a photograph works."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import attrxfer_models
import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

import attrxfer
from attrxfer.plugin.host import Host
from attrxfer.recipe import load
from tests.conftest import attrxfer as command

FOLDER = Path(attrxfer_models.__file__).parent
TASKS = ("age", "eyeglasses_removal", "gender", "mouth_close", "mouth_open")


def metadata(task: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / "models" / task / "attrxfer.json").read_text())
    return found


def test_each_of_the_five_tasks_has_a_model(host: Host) -> None:
    assert tuple(host.models()) == TASKS


@pytest.mark.parametrize("task", TASKS)
def test_a_model_is_for_its_task_small_and_without_paths(task: str, host: Host) -> None:
    found = metadata(task)
    assert found["task"] == {"name": task, "guided": dict(load(f"diat_a_{task}", host).task.guided)}
    assert found["recipe"]["data"]["path"] == "celeba_subset"
    assert sum(file.stat().st_size for file in (FOLDER / "models" / task).iterdir()) < 1.2e6


@pytest.mark.parametrize("task", TASKS)
def test_a_card_states_the_licence_and_scores_by_groups(task: str) -> None:
    card = (FOLDER / "models" / task / "README.md").read_text()
    assert "**Not for commercial use.**" in card and "for non-commercial research only" in card
    assert f"attrxfer transfer {task} photos/" in card
    scores = metadata(task)["scores"]
    for label in ("attribute accuracy at equal verification", "accurate and verified at equal verification"):
        assert 0.5 * scores["images"] < scores["scores"][label]["n"] <= scores["images"]
        assert f"| {label} |" in card
    assert f"<summary>{len(scores['slices'])} groups" in card


def test_no_image_is_in_the_package() -> None:
    kinds = {file.suffix for file in FOLDER.rglob("*") if file.is_file() and "__pycache__" not in file.parts}
    assert kinds == {".py", ".typed", ".md", ".json", ".safetensors"}


def test_models_prints_task_size_scores_and_licence() -> None:
    lines = command("models").stdout.splitlines()
    assert [line.split()[0] for line in lines[1:]] == list(TASKS)
    for task, line in zip(TASKS, lines[1:], strict=True):
        assert f"{metadata(task)['size']} px" in line and "non-commercial research" in line and "%" in line


def test_the_readme_has_the_scores_of_the_cards() -> None:
    text = (Path(__file__).parents[2] / "README.md").read_text()
    for task in TASKS:
        card = metadata(task)
        scores = card["scores"]["scores"]
        labels = (
            *("attribute accuracy", "verification rate", "attribute accuracy at equal verification"),
            "balanced accuracy of the attribute classifier",
        )
        cells = " | ".join(f"{scores[label]['value']:.0%}" for label in labels)
        counts = f"{card['scores']['images']} images, {card['scores']['people']} people"
        assert re.search(rf"\| `{task}` \| [\w ]+ \| {card['size']} px \| {cells} \| {counts} \|", text), (task, cells)


def test_one_command_and_a_photograph(tmp_path: Path) -> None:
    pytest.importorskip("dlib")
    photo = tmp_path / "astronaut.png"
    Image.fromarray(astronaut()).save(photo)
    done = command("transfer", "mouth_close", photo, "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    result = np.asarray(Image.open(tmp_path / "out" / "astronaut.png")).astype(int)
    change = np.abs(result - astronaut()).max(2)
    assert change[90:170, 180:260].max() > 15, "the face changes"
    assert change[300:].max() == 0 and change[:, 400:].max() == 0, "what is far from it does not"


def test_each_model_opens_by_name_and_keeps_the_range() -> None:
    import torch

    face = np.asarray(Image.fromarray(astronaut()[40:220, 135:315]).resize((64, 64)))
    images = torch.from_numpy(face.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
    for task in TASKS:
        made = attrxfer.load(task)(images)
        assert made.shape == images.shape and made.abs().max() <= 1
        assert 0.005 < (made - images).abs().mean() < 0.4, task
