"""Scoring: models, methods and folders of results on the held-out inputs of a task."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from attrxfer import recipe as recipes
from attrxfer.data import CachedDataset, Sets, data_table
from attrxfer.errors import AttrxferError
from attrxfer.evaluation.candidates import Candidate, candidate, held_out, recipe_of, reference_rows, scorecards
from attrxfer.evaluation.leakage import refuse_teachers
from attrxfer.evaluation.matched_identity import add_matched_identity, can_be_matched
from attrxfer.evaluation.response import response
from attrxfer.evaluation.scores import HeldOutInputs, HeldOutResults, Scorecard, score, slices
from attrxfer.interfaces import ACCURACY, Metric
from attrxfer.model.calling import at_any_strength
from attrxfer.model.loading import CPU
from attrxfer.model.response import Response
from attrxfer.plugin import host as hosts
from attrxfer.plugin.host import Host
from attrxfer.plugin.parameters import all_missing_for
from attrxfer.plugin.registry import Registry
from attrxfer.recipe import Recipe
from attrxfer.recipe.assembly import Assembly
from attrxfer.report import scorecard as pages
from attrxfer.report.comparison import write_scores
from attrxfer.report.markdown import conditions
from attrxfer.report.score_text import cell
from attrxfer.storage.files import write_text

log = logging.getLogger("attrxfer")
STRENGTHS = (0.25, 0.5, 0.75, 1.0, 1.25)
"""The strengths of a curve."""


@dataclass(frozen=True, repr=False)
class ScoredTask:
    """Scores of candidates and of the reference rows on the held-out inputs of a task.

    Attributes:
        title: The task in words.
        target: The attributes that results should have.
        own: Names of the candidates, which come first among ``scored``; the rest are reference rows.
        scored: Each candidate's scorecard and results.
        slices: {candidate: {slice: {label: score}}}.
        curves: {candidate: [{"strength": s, label: mean, ...}]}.
        responses: How attribute accuracy responds to each candidate's strength, where that was measured.
    """

    title: str
    target: Mapping[str, bool]
    own: tuple[str, ...]
    scored: Sequence[tuple[Scorecard, HeldOutResults]]
    slices: Mapping[str, Mapping[str, Mapping[str, Mapping[str, Any]]]]
    curves: Mapping[str, Sequence[Mapping[str, float]]]
    responses: Mapping[str, Response] = field(default_factory=dict)

    def __repr__(self) -> str:
        parts = [f"{len(self.scored[0][1].rows)} images"]
        for scorecard, _ in self.scored[: len(self.own)]:
            first = next(iter(scorecard.scores), None)
            parts.append(
                f"{scorecard.name}: {first} {cell(scorecard.scores[first])}" if first else f"{scorecard.name}: no scores"
            )
        return f"ScoredTask({self.title!r}; {'; '.join(parts)}; {len(self.scored) - len(self.own)} reference rows)"

    @property
    def scores(self) -> dict[str, dict[str, dict[str, Any]]]:
        """{candidate or reference row: {label: score}}; a score is {value, low, high, n, unit, better, role}."""
        return {scorecard.name: scorecard.scores for scorecard, _ in self.scored}

    def as_json(self) -> dict[str, Any]:
        """The contents of scores.json."""
        results = self.scored[0][1]
        return {
            "images": len(results.rows),
            "people": len(np.unique(results.people)),
            "task": dict(self.target),
            "scores": self.scores,
            "slices": self.slices,
            "curves": self.curves,
            "responses": {name: response.table() for name, response in self.responses.items()},
        }

    def write(self, folder: Path) -> None:
        """Write scores.json, scores.csv, scores.tex, table.md and page.html into a folder."""
        write_text(folder / "scores.json", json.dumps(self.as_json(), indent=2) + "\n")
        write_scores(folder, self.scores, self.own)
        write_text(folder / "page.html", pages.page(self.title, self.scored, self.own, self.slices, self.curves))


def evaluate(
    candidates: Sequence[str | Path] | str | Path,
    *,
    recipe: str | Path | None = None,
    data: Path | None = None,
    overrides: Sequence[str] = (),
    limit: int = 300,
    strength: float = 1.0,
    device: str = CPU,
    out: Path | None = None,
    host: Host | None = None,
) -> ScoredTask:
    """Score candidates side by side on the held-out inputs of a task, beside the reference rows.

    Args:
        candidates: Bundles, finished runs, exported files, methods and shipped models by name, folders of results named as
            the inputs.
        recipe: A recipe whose task, data, metrics and size are used; None: that of the first model, of models of several sizes
            that of the largest.
        data: Images to score on instead of the recipe's.
        overrides: Settings "A.B=C" that change the recipe.
        limit: Inputs that are scored at most; 0: all.
        strength: Strength of the models' results.
        device: Where the networks of bundles run: "cpu", "cuda:1".
        out: A folder for scores.json, scores.csv, scores.tex, table.md and page.html; None: nothing is written.
        host: The loaded plugins; None: loaded here.

    Raises:
        AttrxferError: A candidate is unknown or does not fit the task, something is missing, or a metric reads a network
            that trained a candidate.
    """
    loaded = host or hosts.load()
    names = [str(one) for one in ([candidates] if isinstance(candidates, str | Path) else candidates)]
    recipes_of = {name: recipe_of(name, loaded) for name in names}
    trained = {name: filled for name, filled in recipes_of.items() if filled is not None}
    scoring = _scoring_recipe(trained, None if recipe is None else str(recipe), data, overrides, loaded)
    refuse_teachers(trained, scoring)
    missing = dict.fromkeys(line for metric in scoring.metric for line in all_missing_for(metric))
    if missing:
        raise AttrxferError("\n".join(f"missing for a metric: {line}" for line in missing))
    assembly = Assembly(scoring)
    opened, sets = assembly.open_data()

    def results(inputs: HeldOutInputs) -> list[Candidate]:
        return [candidate(name, inputs, loaded, strength, device) for name in names]

    metrics = assembly.metrics(opened)
    scored = score_task(scoring, opened, sets, results, metrics, loaded.registry, limit, curves_at=strength)
    if scored is None:
        raise AttrxferError("the test split has no inputs of this task")
    if out is not None:
        scored.write(out)
    return scored


def score_task(
    recipe: Recipe,
    data: CachedDataset,
    sets: Sets,
    results: Callable[[HeldOutInputs], Sequence[Candidate]],
    metrics: Sequence[Metric],
    registry: Registry,
    limit: int,
    *,
    curves_at: float | None = None,
    references: bool = True,
) -> ScoredTask | None:
    """Score candidates on the test inputs of a recipe's task, at matched identity too where that can be measured.

    Args:
        recipe: Names the task and the seed.
        data: The opened data set.
        sets: Its sets for the task.
        results: Makes the candidates from the inputs.
        metrics: What they are scored by; the reference rows are left out where there are none.
        registry: Where the reference rows are found.
        limit: Inputs that are scored at most; 0: all.
        curves_at: The strength of the candidates' results, to add curves over strengths; None: no curves.
        references: Whether the reference rows are scored too.

    Returns:
        The scores; None where the test split has no inputs.
    """
    inputs = held_out(recipe, data, sets, limit)
    if inputs is None:
        return None
    own = list(results(inputs))
    names = tuple(one.name for one in own)
    rows = [one for one in reference_rows(inputs, registry) if one.name not in names] if metrics and references else []
    scored = scorecards(inputs, [*own, *rows], metrics)
    responses = {}
    if scored[0][0].label(ACCURACY) is not None:  # only then are the validation inputs read, and their exact truth drawn
        validation = held_out(recipe, data, sets, limit, validation=True)
        if validation is not None:
            responses = _responses(own, scored, validation)
        if can_be_matched(scored[0][0]):
            scored = add_matched_identity(scored, inputs, validation, registry)
    curves = {}
    if curves_at is not None:
        pairs = zip(own, scored, strict=False)
        curves = {one.name: _curve(one, curves_at, scorecard, inputs) for one, (scorecard, _) in pairs if one.model is not None}
    sliced = {scorecard.name: slices(scorecard, result) for scorecard, result in scored[: len(own)]}
    title = f"{recipe.task.name}: {conditions(recipe.task.guided)}"
    return ScoredTask(title, recipe.task.guided, names, scored, sliced, curves, responses)


def _responses(
    own: Sequence[Candidate], scored: Sequence[tuple[Scorecard, HeldOutResults]], validation: HeldOutInputs
) -> dict[str, Response]:
    found = {
        one.name: response(one.model, scorecard, validation)
        for one, (scorecard, _) in zip(own, scored, strict=False)
        if one.model is not None
    }
    return {name: one for name, one in found.items() if one is not None}


def _scoring_recipe(
    trained: Mapping[str, Mapping[str, Any]], name: str | None, data: Path | None, overrides: Sequence[str], host: Host
) -> Recipe:
    """The recipe that names the task, the data, the metrics and the size: ``name``, or that of the largest model, the first of
    several."""
    table = data_table(data, host.registry.all("dataset")) if data else None
    if name is not None:
        return recipes.load(name, host, overrides, table)
    if not trained:
        example = host.self_test()
        hint = f", e.g. {example}" if example is not None else ""
        raise AttrxferError(f"none of these says what to score: name a recipe with --recipe{hint}")
    largest = max(trained, key=lambda one: trained[one]["train"]["size"])
    if largest != next(iter(trained)):
        log.info("task, data and metrics are those of %s, the largest model; --recipe names others", largest)
    return recipes.complete(dict(trained[largest]), largest, host, overrides, table)


def _curve(one: Candidate, scored_at: float, scorecard: Scorecard, inputs: HeldOutInputs) -> list[dict[str, float]]:
    """A model's scores of unit "share" at several strengths; at ``scored_at`` they are taken from its scorecard."""
    assert one.model is not None
    labels = [label for label in scorecard.per_image if scorecard.scores[label]["unit"] == "share"]
    metrics = list(dict.fromkeys(scorecard.metrics[label] for label in labels))  # other metrics have no score of this unit
    points = []
    at = at_any_strength(one.model, inputs.sources)
    for strength in STRENGTHS:
        scored = scorecard if strength == scored_at else score("", inputs.results(at(strength)), metrics)
        values = {name: scored.scores[name]["value"] for name in scored.per_image if scored.scores[name]["unit"] == "share"}
        points.append({"strength": strength, **{label: value for label, value in values.items() if value is not None}})
    return points
