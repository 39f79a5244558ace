"""Training says when it fails: every symptom is provoked, and a healthy run has none."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from attrxfer_diat.generator import MaskedTransformNetwork
from attrxfer_diat.stages import AdversarialTraining
from torch import Tensor

from attrxfer.errors import NonFiniteLoss
from attrxfer.interfaces import DiscriminatorTerms
from attrxfer.plugin.host import Host
from attrxfer.recipe import Recipe
from attrxfer.report.run_report import write_report
from attrxfer.storage.run_folder import RunFolder
from attrxfer.training.diagnostics import WINDOW, Diagnostics, Symptom
from attrxfer.training.loop import Training

Tiny = Callable[..., Recipe]
TERMS = DiscriminatorTerms(("D real", "D fake"), 2 * math.log(2), {"mode collapse": "raise identity.weight"})
PLAYING = SimpleNamespace(discriminator_terms=TERMS, steps=1000)
FACES = np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3)).astype(np.uint8)


def seen(watch: Callable[[Diagnostics], Any]) -> list[str]:
    told: list[Symptom] = []
    watch(Diagnostics(told.append))
    return [symptom.name for symptom in told]


@pytest.mark.parametrize(
    ("outputs", "step", "name"),
    [
        (FACES, 600, "the output equals the input"),
        (np.broadcast_to(FACES[:1], FACES.shape), 100, "mode collapse"),
        (np.clip(FACES.astype(int) + np.array([60, 0, 0]), 0, 255).astype(np.uint8), 100, "colour drift"),
    ],
)
def test_symptoms_in_images(outputs: Any, step: int, name: str) -> None:
    assert seen(lambda health: health.samples(PLAYING, "adversarial", step, FACES, outputs)) == [name]


def test_what_is_no_symptom() -> None:
    random = np.random.default_rng(1)
    changed = np.clip(FACES.astype(int) + random.integers(-40, 41, FACES.shape), 0, 255).astype(np.uint8)
    assert seen(lambda health: health.samples(PLAYING, "adversarial", 900, FACES, changed)) == []
    assert seen(lambda health: health.samples(PLAYING, "adversarial", 100, FACES, FACES)) == [], "it has only begun"
    reconstruction = SimpleNamespace(steps=10)
    assert seen(lambda health: health.samples(reconstruction, "pretrain", 10, FACES, FACES)) == [], "that is its aim"


def test_terms_of_other_names_and_no_terms_at_all_are_no_win() -> None:
    def play(diagnostics: Diagnostics, values: dict[str, float]) -> None:
        for step in range(3 * WINDOW):
            diagnostics.losses(PLAYING, "adversarial", step, values)

    assert seen(lambda it: play(it, {"D real": 0.6, "D fake": 0.7})) == []
    assert seen(lambda it: play(it, {"D hinge": 0.0})) == [], "what the component did not declare is not summed"


def test_a_slow_win_is_seen_when_outputs_move_away() -> None:
    random = np.random.default_rng(2)

    def moved(by: int) -> Any:
        return np.clip(FACES.astype(int) + random.integers(-by, by + 1, FACES.shape), 0, 255).astype(np.uint8)

    def play(diagnostics: Diagnostics, late: float, outputs: int) -> None:
        for step in range(WINDOW):
            diagnostics.losses(PLAYING, "adversarial", step, {"D real": 0.6, "D fake": 0.6})
        diagnostics.samples(PLAYING, "adversarial", WINDOW, FACES, moved(20))
        for step in range(WINDOW, 2 * WINDOW):
            diagnostics.losses(PLAYING, "adversarial", step, {"D real": late, "D fake": late})
        diagnostics.samples(PLAYING, "adversarial", 2 * WINDOW, FACES, moved(outputs))

    assert seen(lambda it: play(it, 0.15, 60)) == ["the discriminator won"]
    assert seen(lambda it: play(it, 0.15, 20)) == [], "outputs stay where they were"
    assert seen(lambda it: play(it, 0.6, 60)) == [], "D is in play"


def test_a_slow_win_is_seen_after_a_run_was_resumed() -> None:
    def win(diagnostics: Diagnostics, key: str) -> None:
        for step in range(WINDOW):
            diagnostics.losses(PLAYING, key, step, {"D real": 0.15, "D fake": 0.15})
        diagnostics.samples(PLAYING, key, WINDOW, FACES, 255 - FACES)

    symptoms: list[Symptom] = []
    before = Diagnostics(symptoms.append)
    for step in range(WINDOW):
        before.losses(PLAYING, "adversarial", step, {"D real": 0.6, "D fake": 0.6})
    before.samples(PLAYING, "adversarial", WINDOW, FACES, np.clip(FACES.astype(int) + 20, 0, 255).astype(np.uint8))
    win(Diagnostics(symptoms.append, before.found, before.changes), "adversarial")
    assert [symptom.name for symptom in symptoms] == ["the discriminator won"]
    win(Diagnostics(symptoms.append, before.found, before.changes), "adversarial_2")
    assert len(symptoms) == 1, "another stage has its own beginning"


def test_a_remedy_is_the_components_own_and_may_be_missing() -> None:
    symptoms: list[Symptom] = []
    Diagnostics(symptoms.append).samples(PLAYING, "adversarial", 100, FACES, np.broadcast_to(FACES[:1], FACES.shape))
    Diagnostics(symptoms.append).samples(PLAYING, "adversarial", 900, FACES, FACES)
    assert symptoms[0].remedy == "raise identity.weight" and str(symptoms[0]).endswith("; raise identity.weight")
    assert symptoms[1].remedy == "" and str(symptoms[1]).endswith(")")


def test_the_discriminator_won() -> None:
    def play(health: Diagnostics, loss: float, steps: int) -> None:
        for step in range(steps):
            health.losses(PLAYING, "adversarial", step, {"D real": loss, "D fake": loss, "T attribute": 9.0})

    assert seen(lambda health: play(health, 0.01, 3 * WINDOW)) == ["the discriminator won"], "told once"
    assert seen(lambda health: play(health, 0.01, WINDOW - 1)) == []
    assert seen(lambda health: play(health, 0.5, 3 * WINDOW)) == []


def train(recipe: Recipe, folder: Path, host: Host) -> Training:
    training = Training(recipe, RunFolder(folder), host, quiet=True)
    training.create_folder()
    training.train()
    return training


@pytest.mark.slow
def test_a_run_tells_records_and_reports(tiny: Tiny, tmp_path: Path, host: Host) -> None:
    """A generator whose mask begins closed changes nothing; the run says so, once, with the knob, and the report shows it."""
    recipe = tiny("generator.mask_bias=-10.0")
    training = train(recipe, tmp_path / "run", host)
    (found,) = training.folder.read_info()["symptoms"]
    assert found["name"] == "the output equals the input" and found["step"] == 4 and "identity.weight" in found["remedy"]
    write_report(training.folder, recipe)
    assert "the output equals the input" in training.folder.report.read_text()
    # what a resumed run knows already it does not tell again
    again = Training(recipe, training.folder, host, quiet=True)
    assert again.diagnostics.found == [found]
    healthy = train(tiny(), tmp_path / "healthy", host)
    assert "symptoms" not in healthy.folder.read_info()


@pytest.mark.slow
def test_a_discriminator_that_has_won_is_told_by_the_run(
    tiny: Tiny, tmp_path: Path, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attrxfer.training.diagnostics.WINDOW", 3)
    monkeypatch.setattr("attrxfer.training.diagnostics.WON", 10.0)
    training = Training(tiny(), RunFolder(tmp_path), host, quiet=True)
    training.diagnostics._losses = type(training.diagnostics._losses)(maxlen=3)
    training.create_folder()
    training.train()
    assert "the discriminator won" in [found["name"] for found in training.folder.read_info()["symptoms"]]


@pytest.mark.slow
def test_a_loss_that_is_not_finite_names_the_term_and_the_knob(
    tiny: Tiny, tmp_path: Path, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def parts(self: Any, images: torch.Tensor) -> dict[str, torch.Tensor]:
        calls.append(1)
        broken = float("nan") if len(calls) > 2 else 1.0
        return {"output": images * sum(p.sum() for p in self.parameters()) * broken}

    monkeypatch.setattr(MaskedTransformNetwork, "parts", parts)
    with pytest.raises(NonFiniteLoss, match=r"adversarial, step 2: .*T attribute = nan.*checkpoint is kept.*train.lr"):
        train(tiny(), tmp_path / "run", host)


@pytest.mark.slow
def test_only_the_output_among_several_strips_is_diagnosed(
    tiny: Tiny, tmp_path: Path, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(Diagnostics, "samples", lambda self, stage, key, step, sources, images: seen.append(images))

    def preview(self: AdversarialTraining, images: Tensor) -> dict[str, Tensor]:
        return {"mask": torch.ones_like(images), "output": -torch.ones_like(images)}

    monkeypatch.setattr(AdversarialTraining, "preview", preview)
    recipe = tiny("report.samples_every=0")
    training = Training(recipe, RunFolder(tmp_path / "run"), host, quiet=True)
    training.create_folder()
    training.train()
    assert len(seen) == 1 and not seen[0].any()
    assert [path.name for path in (tmp_path / "run" / "samples").glob("*mask*")]
