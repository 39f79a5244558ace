"""Training one variant, scored as it goes; interrupted at any moment, it goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from attrxfer_faces.dlib_models import missing_dlib
from attrxfer_faces.locator import Auto, face_landmarks
from attrxfer_faces.metrics import Identity
from attrxfer_metrics.attribute_accuracy import AttributeAccuracy
from attrxfer_metrics.kid import Kid
from attrxfer_metrics.preserved import Preserved
from attrxfer_metrics.truth import Truth
from numpy.typing import NDArray

from attrxfer.errors import AttrxferError
from attrxfer.evaluation.candidates import held_out, reference_rows
from attrxfer.evaluation.scores import HeldOutInputs, Scorecard, score
from attrxfer.interfaces import Metric, Stage
from attrxfer.model import bundle
from attrxfer.model.torch_model import TorchModel
from attrxfer.plugin.host import Host
from attrxfer.recipe import Recipe, load
from attrxfer.storage.conversion import to_uint8
from attrxfer.storage.files import write_text
from attrxfer.storage.run_folder import RunFolder
from attrxfer.training.loop import Training

OF_T = ("pretrain_generator", "pretrain_discriminator", "adversarial")
"""Stages that train T and D."""
MOMENTS = 5
"""How often the network is scored while it trains."""
Images = NDArray[np.uint8]


class Scorer:
    """Held-out inputs of a task (up to ``limit``) and the metrics that results for them are put under. ``region``: where the
    task may change the image, None for all of it."""

    def __init__(self, training: Training, host: Host, limit: int, classifier_steps: int, region: str | None) -> None:
        given = held_out(training.recipe, training.data, training.sets, limit)
        if given is None:
            raise AttrxferError("the test split has no inputs of this task")
        # one attribute classifier a data set, whatever the seed of the run
        self.given: HeldOutInputs = replace(given, seed=0)
        self.host = host
        locator = Auto(region=region) if region and face_landmarks(training.data) is not None else None  # type: ignore[arg-type]
        self.quick: list[Metric] = [AttributeAccuracy(steps=classifier_steps), Truth(strengths=()), Preserved(locator=locator)]
        self.all: list[Metric] = [*self.quick, Kid(steps=classifier_steps)]
        if given.truth is None and not missing_dlib():
            self.all.append(Identity())

    def __call__(self, outputs: Images, metrics: Sequence[Metric]) -> Scorecard:
        return score("", self.given.results(outputs), metrics)

    def reference_rows(self) -> dict[str, dict[str, Any]]:
        """The reference rows' scores, as ``written`` gives them."""
        return {one.name: written(self(one.outputs, self.all)) for one in reference_rows(self.given, self.host.registry)}


def written(scorecard: Scorecard) -> dict[str, Any]:
    """Every score: the numbers of its images where it has them, else its value and interval."""
    per_image = {name: [round(float(value), 4) for value in values] for name, values in scorecard.per_image.items()}
    return {name: per_image.get(name, value) for name, value in scorecard.scores.items()}


def train(
    recipe: Recipe,
    folder: RunFolder,
    host: Host,
    *,
    limit: int,
    classifier_steps: int,
    region: str | None,
    plain: RunFolder | None,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Train or resume a run, score it at several moments and at its end; writes and returns ablation.json.

    ``plain``: the finished run of the same recipe without an enhancement network, whose T is taken over instead of being
    trained again to the same weights.
    """
    result = folder.path / "ablation.json"
    if result.is_file():
        found: dict[str, Any] = json.loads(result.read_text())
        return found
    began = folder.recipe.is_file()
    training = Training(recipe, folder, host, quiet=True)
    if not began:
        training.create_folder()
    scorer = Scorer(training, host, limit, classifier_steps, region)
    moments = folder.path / "moments.json"
    curve: list[dict[str, float]] = json.loads(moments.read_text()) if moments.is_file() else []
    seconds: dict[str, float] = {}
    stages = [planned.key for planned in training.stages]
    taken = folder.path / "taken_over"  # a run that began by training its own T goes on so
    if plain is not None and (taken.exists() or not began) and equal_but_enhancement(recipe, load(plain.recipe, host)):
        write_text(taken, f"{plain.path}\n")
        before = json.loads((plain.path / "ablation.json").read_text())
        curve, seconds = before["curve"], before["seconds"]
        training.run.generator.load_state_dict(bundle.load(plain.bundle, host.registry).chain[0].state_dict())
        training.stages = [planned for planned in training.stages if planned.name not in OF_T]

    def watch(stage: Stage, key: str, step: int) -> None:
        every = max(1, stage.steps // MOMENTS)
        if key != "adversarial" or step % every or any(point["step"] == step for point in curve):
            return
        training.metrics.flush()
        seconds = sum(line["seconds"] for line in folder.read_metrics())
        values = scorer(_preview(training, stage, scorer.given.sources), scorer.quick).per_image
        means = {name: round(float(np.nanmean(numbers)), 4) for name, numbers in values.items()}
        curve.append({"step": step, "seconds": round(seconds, 1), **means})
        write_text(moments, json.dumps(curve))

    training.watch = watch
    training.train()
    for line in folder.read_metrics():
        seconds[line["stage"]] = seconds.get(line["stage"], 0) + line["seconds"]
    finished = TorchModel(bundle.load(folder.bundle, host.registry))
    outputs = finished.images(scorer.given.sources)
    scorecard = scorer(outputs, scorer.all)
    scores = {
        "steps": recipe.stage("adversarial").values["steps"],
        "stages": stages,
        "seconds": {name: round(value, 1) for name, value in seconds.items()},
        "people": scorer.given.people.tolist(),
        "scores": written(scorecard),
        "references": scorer.reference_rows(),
        "curve": curve,
    }
    np.savez_compressed(folder.path / "shown.npz", **shown(scorer.given, outputs))  # type: ignore[arg-type]
    write_text(result, json.dumps(scores))
    say(f"{folder.path}: " + ", ".join(f"{name} {found['value']:.3g}" for name, found in scorecard.scores.items()))
    return scores


def equal_but_enhancement(recipe: Recipe, other: Recipe) -> bool:
    """Whether two recipes train the same T."""

    def of_t(table: dict[str, Any]) -> dict[str, Any]:
        train = {key: value for key, value in table["train"].items() if not key.endswith("_enhancer")}
        return {**table, "train": train, "enhancer": []}

    return of_t(recipe.filled()) == of_t(other.filled())


def _preview(training: Training, stage: Stage, sources: Images) -> Images:
    training._set_training(False)
    with torch.no_grad():
        parts = [
            to_uint8(stage.preview(training.devices.images(sources[i : i + 32])))  # type: ignore[attr-defined]
            for i in range(0, len(sources), 32)
        ]
    training._set_training(True)
    return np.concatenate(parts)


def shown(given: HeldOutInputs, outputs: Images, count: int = 8) -> dict[str, Images]:
    """Images for the page, of people spread over the test split."""
    chosen = np.linspace(0, len(outputs) - 1, min(count, len(outputs))).astype(int)
    found = {"source": given.sources[chosen], "result": outputs[chosen]}
    return found if given.truth is None else {**found, "truth": given.truth[chosen]}
