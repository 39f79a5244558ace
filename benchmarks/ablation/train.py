"""Training one variant, scored as it goes; interrupted at any moment, it goes on."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from attrxfer_faces.dlib_models import SAME, Faces, missing
from attrxfer_faces.locator import region_mask
from attrxfer_metrics.judge import Judge
from attrxfer_metrics.truth import each_psnr, squared_error
from numpy.typing import NDArray

from attrxfer import bundle
from attrxfer.engine.folder import RunFolder
from attrxfer.engine.run import Training
from attrxfer.files import write_text
from attrxfer.host import Host
from attrxfer.interfaces import Counterfactuals, Stage
from attrxfer.params import build
from attrxfer.recipe import Recipe, load
from attrxfer.transfer import Transfer, to_images, to_uint8

OF_T = ("pretrain_generator", "pretrain_discriminator", "adversarial")
"""Stages that train T and D."""
MOMENTS = 5
"""How often the network is scored while it trains."""
PROBE = 6
"""Steps that are timed to know how many a budget of minutes has room for; the first is left out."""
REAL = 1000
Pictures = NDArray[np.uint8]


class Scorer:
    """Held-out inputs of a task (up to ``limit``), and what the judge and the exact truth say of results for them; where
    there is no truth, dlib's face embedding (when installed) says whether they show the same person. ``region``: where the
    task may change the picture, None for all of it."""

    def __init__(self, training: Training, limit: int, judge_steps: int, region: str | None) -> None:
        data, recipe = training.data, training.recipe
        self.data = data
        self.target = recipe.task.guided
        rows = training.sets.test_input
        if len(rows) > limit:
            rows = rows[np.linspace(0, len(rows) - 1, limit).astype(int)]
        dataset = build(recipe.data, {})
        values = {name: float(value) for name, value in self.target.items()}
        self.truth = dataset.counterfactual(rows.tolist(), values) if isinstance(dataset, Counterfactuals) else None
        self.faces = Faces() if self.truth is None and not missing() else None
        if self.faces is not None:
            pictures = data.pictures(rows)
            self.embeddings = self.faces.embeddings(pictures, pictures)
            seen = np.isfinite(self.embeddings).all(1)
            rows, self.embeddings = rows[seen], self.embeddings[seen]
        self.rows = rows
        self.sources = data.pictures(rows)
        identity = data.records.identity
        self.people = identity[rows] if identity is not None else np.arange(len(rows))
        self.outside = self._outside(region)
        # one judge a data set, whatever the seed of the run
        self.judge = Judge(steps=judge_steps).classifier(data, 0)

    def _outside(self, region: str | None) -> NDArray[np.bool_] | None:
        """Pixels (N, S, S, 1) that the task should leave alone, where truth or landmarks tell."""
        if self.truth is not None:
            return (self.truth == self.sources).all(-1, keepdims=True)
        points = self.data.records.landmarks
        if region is None or points is None:
            return None
        size = self.sources.shape[1]
        return np.stack([~region_mask(points[row], region, 0.2, size) for row in self.rows])[..., None]

    def each(self, pictures: Pictures) -> dict[str, list[float]]:
        """Every measure that is quickly made, a number a picture."""
        found = {"success": self.judge.successes(pictures, self.target).astype(float)}
        if self.truth is not None:
            before = squared_error(self.sources, self.truth)
            after = squared_error(pictures, self.truth)
            found["closer to truth"] = (after < before).astype(float)
            found["PSNR to truth"] = each_psnr(pictures, self.truth)
        else:
            found["PSNR to the input"] = each_psnr(pictures, self.sources)
        if self.outside is not None:
            found["PSNR where nothing should change"] = masked_psnr(pictures, self.sources, self.outside)
        colour = pictures.astype(float).mean((1, 2)) - self.sources.astype(float).mean((1, 2))
        found["colour shift"] = np.abs(colour).mean(1)
        return {name: [round(float(v), 4) for v in values] for name, values in found.items()}

    def identities(self, pictures: Pictures) -> dict[str, list[float]]:
        """For each picture: is it verified as its input's person, is the nearest of all inputs a picture of that person."""
        if self.faces is None:
            return {}
        own = self.faces.embeddings(pictures, self.sources)
        distance = np.linalg.norm(own[:, None] - self.embeddings[None], axis=2)
        nearest = self.people[distance.argmin(1)]
        return {
            "verified": (distance.diagonal() < SAME).astype(float).tolist(),
            "same person": (nearest == self.people).astype(float).tolist(),
        }

    def features(self, pictures: Pictures) -> NDArray[np.float32]:
        """What the judge reads of pictures, for KID."""
        return self.judge.features(pictures)

    def real(self) -> Pictures:
        """Real test pictures that have the target attributes, at most ``REAL``."""
        rows = self.data.rows("test", self.target)
        return self.data.pictures(rows[np.linspace(0, len(rows) - 1, min(len(rows), REAL)).astype(int)])


def masked_psnr(pictures: Pictures, sources: Pictures, where: NDArray[np.bool_]) -> NDArray[np.float64]:
    """PSNR in dB of pictures (N, S, S, 3) to sources over the pixels ``where`` (N, S, S, 1) is True; equal ones give 78."""
    squared = (np.square(pictures.astype(float) - sources) * where).sum((1, 2, 3))
    return 10 * np.log10(255**2 / np.maximum(squared / (3 * where.sum((1, 2, 3))).clip(1), 1e-3))


def steps_for(minutes: float, recipe: Recipe, folder: Path, host: Host) -> Recipe:
    """The recipe with as many turns of Algorithm 1 as the minutes hold, by timing a few."""
    training = Training(_with_steps(recipe, PROBE), RunFolder(folder), host, quiet=True)
    planned = next(p for p in training.planned if p.name == "adversarial")
    stage = training._stage(planned)
    times = []
    for index in range(PROBE):
        began = time.monotonic()
        stage.step(index)
        times.append(time.monotonic() - began)
    return _with_steps(recipe, max(1, int(minutes * 60 / float(np.mean(times[1:])))))


def _with_steps(recipe: Recipe, steps: int) -> Recipe:
    spec = recipe.stage("adversarial")
    changed = replace(spec, values={**spec.values, "steps": steps})
    return replace(recipe, stage_specs={**recipe.stage_specs, "adversarial": changed})


def train(
    recipe: Recipe,
    folder: RunFolder,
    host: Host,
    *,
    limit: int,
    judge_steps: int,
    region: str | None,
    plain: RunFolder | None,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Train or resume a run, score it at several moments and at its end; writes and returns ablation.json, and for KID
    features.npz. ``plain``: the finished run of the same recipe without an enhancement network, whose T is taken over
    instead of being trained again to the same weights."""
    result = folder.path / "ablation.json"
    if result.is_file():
        found: dict[str, Any] = json.loads(result.read_text())
        return found
    began = folder.recipe.is_file()
    training = Training(recipe, folder, host, quiet=True)
    if not began:
        training.create_folder()
    scorer = Scorer(training, limit, judge_steps, region)
    moments = folder.path / "moments.json"
    curve: list[dict[str, float]] = json.loads(moments.read_text()) if moments.is_file() else []
    seconds: dict[str, float] = {}
    stages = [planned.key for planned in training.planned]
    if plain is not None and equal_but_enhancement(recipe, load(plain.recipe, host)):
        before = json.loads((plain.path / "ablation.json").read_text())
        curve, seconds = before["curve"], before["seconds"]
        training.run.generator.load_state_dict(bundle.load(plain.bundle, host.registry).chain[0].state_dict())
        training.planned = [planned for planned in training.planned if planned.name not in OF_T]

    def watch(stage: Stage, key: str, step: int) -> None:
        every = max(1, stage.steps // MOMENTS)
        if key != "adversarial" or step % every or any(point["step"] == step for point in curve):
            return
        training.metrics.flush()
        seconds = sum(line["seconds"] for line in folder.read_metrics())
        values = scorer.each(_preview(training, stage, scorer.sources))
        curve.append({"step": step, "seconds": round(seconds, 1), **_means(values)})
        write_text(moments, json.dumps(curve))

    training.watch = watch
    training.train()
    for line in folder.read_metrics():
        seconds[line["stage"]] = seconds.get(line["stage"], 0) + line["seconds"]
    finished = Transfer(bundle.load(folder.bundle, host.registry))
    outputs = finished.pictures(scorer.sources)
    scores = {
        "steps": recipe.stage("adversarial").values["steps"],
        "stages": stages,
        "seconds": {name: round(value, 1) for name, value in seconds.items()},
        "rows": scorer.rows.tolist(),
        "people": scorer.people.tolist(),
        "accuracy of the judge": scorer.judge.accuracy(training.data, scorer.target),
        "each": {**scorer.each(outputs), **scorer.identities(outputs)},
        "anchors": anchors(training, scorer),
        "curve": curve,
    }
    pictures: dict[str, Any] = shown(scorer, outputs)
    np.savez_compressed(folder.path / "shown.npz", **pictures)
    np.savez_compressed(
        folder.path / "features.npz",
        result=scorer.features(outputs),
        source=scorer.features(scorer.sources),
        real=scorer.features(scorer.real()),
    )
    write_text(result, json.dumps(scores))
    say(f"{folder.path}: " + ", ".join(f"{name} {value:.3g}" for name, value in _means(scores["each"]).items()))
    return scores


def equal_but_enhancement(recipe: Recipe, other: Recipe) -> bool:
    """Whether two recipes train the same T."""

    def of_t(table: dict[str, Any]) -> dict[str, Any]:
        train = {key: value for key, value in table["train"].items() if not key.endswith("_enhancer")}
        return {**table, "train": train, "enhancer": []}

    return of_t(recipe.filled()) == of_t(other.filled())


def _preview(training: Training, stage: Stage, sources: Pictures) -> Pictures:
    training._set_training(False)
    with torch.no_grad():
        parts = [
            to_uint8(stage.preview(training.devices.images(to_images(sources[i : i + 32]))))  # type: ignore[attr-defined]
            for i in range(0, len(sources), 32)
        ]
    training._set_training(True)
    return np.concatenate(parts)


def anchors(training: Training, scorer: Scorer) -> dict[str, dict[str, list[float]]]:
    """What a result must beat: the input itself, and the training picture with the attribute that is nearest to it. And
    what it may reach: another real photo of the person, where there is one."""
    guided = training.sets.guided
    small = training.data.pictures(guided)[:, ::4, ::4].reshape(len(guided), -1).astype(np.float32)
    wanted = scorer.sources[:, ::4, ::4].reshape(len(scorer.sources), -1).astype(np.float32)
    distance = np.square(small).sum(1)[None] - 2 * wanted @ small.T
    pictures = {"input copy": scorer.sources, "nearest guided face": training.data.pictures(guided[distance.argmin(1)])}
    if scorer.faces is not None and training.data.records.identity is not None:
        pictures["another photo of the person"] = training.data.pictures(_another(training, scorer.rows))
    return {name: {**scorer.each(found), **scorer.identities(found)} for name, found in pictures.items()}


def _another(training: Training, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each row another test picture of the same person, the next one; the row itself where there is none."""
    identity, test = training.data.records.identity, training.data.rows("test", None)
    assert identity is not None
    found = []
    for row in rows:
        own = test[identity[test] == identity[row]]
        found.append(own[(np.searchsorted(own, row) + 1) % len(own)])
    return np.array(found)


def shown(scorer: Scorer, outputs: Pictures, count: int = 8) -> dict[str, Pictures]:
    """Pictures for the page, of people spread over the test split."""
    chosen = np.linspace(0, len(outputs) - 1, min(count, len(outputs))).astype(int)
    found = {"source": scorer.sources[chosen], "result": outputs[chosen]}
    return found if scorer.truth is None else {**found, "truth": scorer.truth[chosen]}


def _means(values: dict[str, list[float]]) -> dict[str, float]:
    return {name: round(float(np.mean(numbers)), 4) for name, numbers in values.items()}
