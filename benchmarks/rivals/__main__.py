"""python -m benchmarks.rivals: train each method for the same time, score all alike over strength, draw the curves."""

from __future__ import annotations

import json
import logging
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np
from attrxfer_metrics.attribute_accuracy import AttributeAccuracy
from attrxfer_metrics.preserved import Preserved
from attrxfer_metrics.truth import Truth

from attrxfer.data import data_table
from attrxfer.errors import AttrxferError
from attrxfer.evaluation.candidates import held_out
from attrxfer.evaluation.matched_identity import BOTH, MatchedIdentity
from attrxfer.evaluation.scores import score
from attrxfer.interfaces import MATCHED, Metric
from attrxfer.model.torch_model import TorchModel
from attrxfer.plugin import host as hosts
from attrxfer.plugin.host import Host
from attrxfer.recipe import Recipe
from attrxfer.recipe.assembly import Assembly
from attrxfer.report.markdown import table
from attrxfer.storage.cache import cache_folder, temporary_cache
from attrxfer.storage.files import write_text
from attrxfer.storage.run_folder import RunFolder
from benchmarks.rivals.methods import METHODS, TASK, recipe
from benchmarks.rivals.picture import Point, picture
from benchmarks.rivals.train import train
from benchmarks.rivals.verification import level, verifier

STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)
ACCURACY, VERIFIED = "attribute accuracy", "verification rate"
COLUMNS = {
    f"{ACCURACY} at equal verification": (MATCHED, "share"),
    "accurate and verified at equal verification": (BOTH, "share"),
    ACCURACY: (ACCURACY, "share"),
    VERIFIED: (VERIFIED, "share"),
    "closer to truth": ("closer to truth", "share"),
    "PSNR to truth": ("PSNR to truth", "dB"),
    "PSNR where nothing should change": ("PSNR where nothing should change", "dB"),
    "PSNR to the input": ("PSNR to the input", "dB"),
}
"""Heading -> the score's label and unit. Those at equal verification come first; the others are at strength 1."""


class Scoring:
    """One classifier, one verification and one choice of held-out images for all methods.

    Args:
        task: Names the task, the data and the size.
        host: The plugins.
        limit: Inputs that are scored at most.
        classifier_steps: Training steps of the attribute classifier.
        verifier_steps: Training steps of the network that verifies drawn faces.
        out: Where that network's run is written.
    """

    def __init__(
        self, task: Recipe, host: Host, limit: int, classifier_steps: int, verifier_steps: int, faces: int, out: Path
    ) -> None:
        data, sets = Assembly(task).open_data()
        inputs, validation = (held_out(task, data, sets, limit, validation=which) for which in (False, True))
        if inputs is None or validation is None:
            raise AttrxferError("the test or the validation split has no inputs of this task")
        self.inputs, self.validation = replace(inputs, seed=0), replace(validation, seed=0)
        self.accuracy = AttributeAccuracy(steps=classifier_steps)
        real = inputs.truth is None
        self.identity = verifier(real, task.train.size, verifier_steps, faces, out / "verifier", host)
        self.level = level(self.validation, self.identity)
        self.matched_with = "another image of the same person" if real else "the exact truth"
        self.metrics: list[Metric] = [self.accuracy, self.identity, Preserved(), Truth(strengths=())]

    def __call__(self, model: TorchModel) -> dict[str, Any]:
        """{scores: at strength 1 and at equal verification, by label; curve: points over strength}."""
        at = model.at_any_strength(self.inputs.sources)
        curve: list[Point] = []
        for strength in STRENGTHS:
            found = score("", self.inputs.results(at(strength)), [self.accuracy, self.identity])
            rate, share = (float(np.nanmean(found.per_image[name])) for name in (VERIFIED, ACCURACY))
            curve.append((strength, rate, share))
        whole = score("", self.inputs.results(at(1.0), model), self.metrics).scores
        matched = MatchedIdentity(self.validation, self.level, self.accuracy, self.identity).scores(model, self.inputs)
        return {"scores": {**matched, **whole}, "curve": curve}

    def references(self) -> dict[str, dict[str, Any]]:
        """Scores of the inputs themselves, and of the exact truth where there is one."""
        rows = {"the input itself": self.inputs.sources}
        if self.inputs.truth is not None:
            rows["the exact truth"] = self.inputs.truth
        return {name: score("", self.inputs.results(images), self.metrics).scores for name, images in rows.items()}


def _names(context: click.Context, parameter: click.Parameter, text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in METHODS:
            raise click.BadParameter(f"{name}: none of {', '.join(METHODS)}")
    return names


def _numbers(context: click.Context, parameter: click.Parameter, text: str) -> list[int]:
    try:
        return [int(number) for number in text.split(",")]
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command()
@click.option("--methods", default=",".join(METHODS), callback=_names, help="Names, with commas between; all without it.")
@click.option("--task", default=TASK, show_default=True, help="The recipe whose task all learn.")
@click.option("--minutes", type=float, required=True, help="Processor time of each method's training, all stages.")
@click.option("--seeds", default="0", callback=_numbers, show_default=True, help="Numbers, with commas between.")
@click.option("--data", type=click.Path(path_type=Path), help="Photographs instead of drawn faces.")
@click.option("--size", default=32, show_default=True, help="Side of the images in pixels.")
@click.option("--images", default=200, show_default=True, help="Held-out images that are scored.")
@click.option("--classifier-steps", default=1500, show_default=True)
@click.option("--verifier-steps", default=1000, show_default=True, help="Of the network that verifies drawn faces.")
@click.option("--verifier-faces", default=6000, show_default=True, help="Drawn faces that it learns.")
@click.option("--set", "sets", multiple=True, metavar="A.B=C", help="Change a setting of every method.")
@click.option("-o", "--out", type=click.Path(path_type=Path), default=Path("runs/rivals"), show_default=True)
def main(
    methods: list[str],
    task: str,
    minutes: float,
    seeds: list[int],
    data: Path | None,
    size: int,
    images: int,
    classifier_steps: int,
    verifier_steps: int,
    verifier_faces: int,
    sets: tuple[str, ...],
    out: Path,
) -> None:
    """Train and score; a method that has its scores is not trained again."""
    logging.basicConfig(level=logging.WARNING)
    host = hosts.load()
    where = data_table(data, host.registry.all("dataset")) if data else None
    own = [f"train.size={size}", "train.threads=1", *sets]
    try:
        with temporary_cache():  # _one deletes networks from it
            scoring = Scoring(
                recipe(methods[0], task, 0, host, where, own),
                host,
                images,
                classifier_steps,
                verifier_steps,
                verifier_faces,
                out,
            )
            references = scoring.references()
            found: dict[str, list[dict[str, Any]]] = {}
            for method in methods:
                for seed in seeds:
                    one = _one(method, task, seed, host, where, own, minutes, scoring, out)
                    found.setdefault(method, []).append(one)
                    write(out, found, references, scoring, f"{minutes:g} minutes of one processor")
    except AttrxferError as error:
        click.echo(f"rivals: {error}", err=True)
        sys.exit(error.exit_code)
    click.echo((out / "table.md").read_text())


def _one(
    method: str,
    task: str,
    seed: int,
    host: Host,
    data: dict[str, Any] | None,
    sets: Sequence[str],
    minutes: float,
    scoring: Scoring,
    out: Path,
) -> dict[str, Any]:
    """A method's scores, which are kept beside its run."""
    place = out / method.replace(" ", "_") / f"seed{seed}"
    result = place / "rivals.json"
    if result.is_file():
        known: dict[str, Any] = json.loads(result.read_text())
        return known
    shutil.rmtree(place, ignore_errors=True)  # of a run that was stopped
    shutil.rmtree(cache_folder() / "networks", ignore_errors=True)  # what another method left there would cost this one nothing
    trained = train(_without_end(recipe(method, task, seed, host, data, sets)), RunFolder(place), host, minutes)
    scores = {
        **scoring(trained.model()),
        "iterations": trained.iterations,
        "seconds": {name: round(value, 1) for name, value in trained.seconds.items()},
    }
    write_text(result, json.dumps(scores))
    click.echo(f"{method}, seed {seed}: {trained.iterations}")
    return scores


def _without_end(recipe: Recipe) -> Recipe:
    """The recipe with more steps of adversarial training than any time has room for."""
    specs = dict(recipe.stage_specs)
    for planned in Assembly(recipe).stages:
        if planned.slot == "adversarial":
            spec = recipe.stage(planned.name)
            specs[planned.name] = replace(spec, values={**spec.values, "steps": 10**7})
    return replace(recipe, stage_specs=specs)


def write(
    out: Path,
    found: dict[str, list[dict[str, Any]]],
    references: dict[str, dict[str, Any]],
    scoring: Scoring,
    time: str,
) -> None:
    """table.md, curve.svg and rivals.json of what is finished so far."""
    curves: dict[str, list[Point]] = {}
    for method, seeds in found.items():
        rates, shares = (np.mean([[point[column] for point in one["curve"]] for one in seeds], 0) for column in (1, 2))
        curves[method] = list(zip(STRENGTHS, rates.tolist(), shares.tolist(), strict=True))
    write_text(out / "curve.svg", picture(curves, scoring.level, scoring.matched_with))
    write_text(out / "rivals.json", json.dumps({"methods": found, "references": references, "level": scoring.level}))
    write_text(out / "table.md", f"{_heading(scoring, time)}\n\n{_table(found, references)}\n")


def _heading(scoring: Scoring, time: str) -> str:
    inputs = scoring.inputs
    people = len(np.unique(inputs.people))
    return (
        f"{len(inputs.rows)} test images of {people} people, {inputs.sources.shape[1]} px; each method was trained for {time}. "
        f"At equal verification: at the strength at which results are verified as often as {scoring.matched_with}, which is in "
        f"{scoring.level:.0%}; rate and strength are those of the validation split."
    )


def _table(found: dict[str, list[dict[str, Any]]], references: dict[str, dict[str, Any]]) -> str:
    every = [*references.values(), *(one["scores"] for seeds in found.values() for one in seeds)]
    columns = {name: one for name, one in COLUMNS.items() if any(one[0] in scores for scores in every)}
    rows = [[name, *(_cell([scores], *one) for one in columns.values()), "", ""] for name, scores in references.items()]
    for method, seeds in found.items():
        last = int(np.mean([list(one["iterations"].values())[-1] for one in seeds]))
        before = np.mean([sum(list(one["seconds"].values())[:-1]) for one in seeds])
        cells = [_cell([one["scores"] for one in seeds], *one) for one in columns.values()]
        rows.append([method, *cells, str(last), f"{before:.0f}"])
    return table(["", *columns, "iterations", "seconds before them"], rows)


def _cell(scores: Sequence[dict[str, Any]], label: str, unit: str) -> str:
    """The mean over seeds; with one seed, its 95% interval over people; with several, their range."""
    known = [one[label] for one in scores if label in one and one[label]["value"] is not None]
    if not known:
        return ""
    values = [one["value"] for one in known]
    ends = (known[0].get("low"), known[0].get("high")) if len(known) == 1 else (min(values), max(values))
    factor, form = (100, ".0f") if unit == "share" else (1, ".1f")
    sign = "%" if unit == "share" else " dB"
    text = f"{factor * float(np.mean(values)):{form}}{sign}"
    if ends[0] is None or ends[1] is None:
        return text
    return f"{text} ({factor * ends[0]:{form}} to {factor * ends[1]:{form}})"


if __name__ == "__main__":
    main()
