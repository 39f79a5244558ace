"""Several recipes, or variants of one, trained with several seeds under one budget and scored on the same images."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from attrxfer.data import CachedDataset, Sets
from attrxfer.errors import AttrxferError, DataError
from attrxfer.evaluation.candidates import Candidate, held_out, scorecards
from attrxfer.evaluation.leakage import refuse_teachers
from attrxfer.evaluation.matched_identity import add_matched_identity, can_be_matched
from attrxfer.evaluation.scores import HeldOutInputs, labels
from attrxfer.evaluation.seeds import SeedScores, over_seeds
from attrxfer.interfaces import ACCURACY, MATCHED, Engine, Metric, Role
from attrxfer.model import bundle
from attrxfer.model.calling import CallableModel
from attrxfer.model.resized import ResizedModel
from attrxfer.model.torch_model import TorchModel
from attrxfer.plugin.host import Host
from attrxfer.plugin.parameters import all_missing_for
from attrxfer.recipe import Recipe, shown
from attrxfer.recipe.assembly import Assembly
from attrxfer.report.comparison import Comparison
from attrxfer.report.samples import strips
from attrxfer.storage.files import is_file_name, write_text
from attrxfer.storage.run_folder import RunFolder
from attrxfer.workflows.check import require
from attrxfer.workflows.compare import setting_table
from attrxfer.workflows.evaluate import ScoredTask, score_task
from attrxfer.workflows.train import RESULT, keep_scores
from attrxfer.workflows.trial import Budget, Say, Trial, TrialJob, Variant

PLAN, SCORES = "plan.json", "seed.json"
CHOSEN_BY: tuple[Role, ...] = (MATCHED, "truth", ACCURACY)
"""The best variant has the best score of the first of these roles on the validation inputs; of several scores of a role, one
that is no share comes first, since shares of few images are often equal."""


@dataclass(frozen=True)
class Ablation:
    """What was measured.

    Attributes:
        comparison: The variants and the reference rows side by side.
        best: The variant that was chosen on the validation inputs; None where none was to be chosen.
        chosen_by: The label of the score that it was chosen by; "" for none.
        validation: {variant: this score on the validation inputs}.
    """

    comparison: Comparison
    best: str | None = None
    chosen_by: str = ""
    validation: Mapping[str, Mapping[str, Any]] | None = None

    def write(self, folder: Path) -> None:
        """Write scores.json, scores.csv, scores.tex, table.md and page.html."""
        self.comparison.write(folder)


def named(recipes: Sequence[str]) -> list[Variant]:
    """A variant for each recipe, named as its file without suffix; by its whole name where two would be named alike."""
    stems = [Path(one).stem for one in recipes]
    names = [stem if stems.count(stem) == 1 else one.replace("/", "_") for stem, one in zip(stems, recipes, strict=True)]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise AttrxferError(f"{twice}: named twice; each recipe is trained once for each seed")
    return [Variant(name, one) for name, one in zip(names, recipes, strict=True)]


def ablate(
    variants: Sequence[Variant],
    host: Host,
    *,
    seeds: Sequence[int],
    out: Path,
    budget: Budget,
    overrides: Sequence[str] = (),
    data: Mapping[str, Any] | None = None,
    choose: bool = False,
    engine: Engine | None = None,
    say: Say = lambda text: None,
) -> Ablation:
    """Train every variant with every seed, score each run on the same test images, and compare.

    What is finished is not done again, and an interrupted run goes on. All are scored by the metrics of the first variant (of
    the largest, where their sizes differ) with the first seed. After each run the tables and the page are written anew.

    Args:
        variants: What is trained.
        host: The plugins.
        seeds: Of the runs.
        out: The folder: OUT/VARIANT/seedN is a run each; tables and page are beside them.
        budget: The same for all.
        overrides: Settings "a.b=c" of every variant; they go before the variants' own.
        data: The [data] table of all; None: the recipes' own.
        choose: Whether the best variant is chosen on the validation inputs.
        engine: Has the runs trained by workers, each run by one; None: this process trains them one after another. This
            process scores them.
        say: Prints a line.

    Raises:
        InvalidRecipe: Every problem of a recipe.
        AttrxferError: The variants have different tasks or data, nothing scores them, or the folder holds runs of other
            recipes or of another budget.
        Interrupted: Ctrl-C or SIGTERM; the same command goes on.
    """
    trials = [
        Trial(one, seed, out / one.name / f"seed{seed}", budget, tuple(overrides), data) for one in variants for seed in seeds
    ]
    recipes = {trial: trial.recipe(host) for trial in trials}
    for variant in variants:
        if not is_file_name(variant.name):
            raise AttrxferError(f'"{variant.name}" cannot be the name of a folder')
    firsts = [recipe for trial, recipe in recipes.items() if trial.seed == seeds[0]]
    for recipe in firsts:
        require(recipe, host)
    scorer = _Scorer(firsts, host, budget.images, choose)
    _keep_plan(out / PLAN, scorer.recipe, budget)

    def say_of(trial: Trial, what: str) -> None:
        say(f"[{trials.index(trial) + 1}/{len(trials)}] {trial.title}: {what}")

    def compared() -> Ablation:
        found = _compared(_by_variant(trials, done), scorer, len(seeds))
        found.write(out)
        return found

    done = [trial for trial in trials if (trial.folder / SCORES).is_file()]
    for trial in done:
        trial.require_same(host)
        say_of(trial, "done before")
    left = [trial for trial in trials if trial not in done]
    found = compared() if not left else None
    with closing(_trained(left, host, engine, say_of)) as trained:
        for trial in trained:
            scorer.score(RunFolder(trial.folder), references=not done)
            done.append(trial)
            found = compared()
    assert found is not None
    return found


def _trained(trials: Sequence[Trial], host: Host, engine: Engine | None, say: Callable[[Trial, str], None]) -> Generator[Trial]:
    """Have trials trained; gives each when it is."""
    if engine is None:
        for trial in trials:
            trial.train(host, functools.partial(say, trial))
            yield trial
        return
    with closing(engine.run(TrialJob(), [[trial] for trial in trials])) as results:
        for trial, result in results:
            if isinstance(result, DataError):
                raise AttrxferError(f"{trial.title}: {result}")
            say(trial, "trained")
            yield trial


def _by_variant(trials: Sequence[Trial], done: Collection[Trial]) -> dict[str, list[Path]]:
    """The folders of what is done, by variant, in the order of the trials."""
    folders: dict[str, list[Path]] = {}
    for trial in trials:
        if trial in done:
            folders.setdefault(trial.variant.name, []).append(trial.folder)
    return folders


def _keep_plan(path: Path, scoring: Recipe, budget: Budget) -> None:
    """Write down by what the runs of a folder are measured; refuse another measure."""
    filled = scoring.filled()
    plan = {
        "minutes": budget.minutes,
        "steps": budget.steps,
        "images": budget.images,
        "guided": filled["task"]["guided"],
        "data": filled["data"],
        "metric": filled["metric"],
    }
    if path.is_file():
        before = json.loads(path.read_text(encoding="utf-8"))
        for key, value in json.loads(json.dumps(plan)).items():
            if before.get(key) != value:
                raise AttrxferError(
                    f"{path.parent}: its runs have {key} {shown(before.get(key))}, not {shown(value)}: "
                    "choose another folder with -o"
                )
    write_text(path, json.dumps(plan, indent=2) + "\n")


class _Scorer:
    """Scores runs, all by the same metrics on the same images, and keeps what it found in their folders.

    Args:
        recipes: One of each variant; the largest, of several the first, names task, data and metrics.
        host: The plugins.
        images: Held-out images that are scored; 0: all.
        choose: Whether the validation inputs are scored too.

    Raises:
        AttrxferError: They cannot be compared, or what a metric needs is missing.
    """

    def __init__(self, recipes: Sequence[Recipe], host: Host, images: int, choose: bool) -> None:
        self.host, self.images, self.choose = host, images, choose
        self.recipe = max(recipes, key=lambda one: one.train.size)
        if not self.recipe.metric:
            raise AttrxferError(f"{self.recipe.source}: names no [[metric]], so nothing says which is better")
        for other in recipes:
            for key, own, its in (
                ("task.guided", self.recipe.task.guided, other.task.guided),
                ("data", _without_size(self.recipe), _without_size(other)),
            ):
                if own != its:
                    raise AttrxferError(f"{other.source}: has {key} {shown(its)}, but {self.recipe.source} {shown(own)}")
        refuse_teachers({one.source: one.filled() for one in recipes}, self.recipe)
        missing = dict.fromkeys(line for metric in self.recipe.metric for line in all_missing_for(metric))
        if missing:
            raise AttrxferError("\n".join(f"missing for a metric: {line}" for line in missing))
        self.filled = {one.source: one.filled() for one in recipes}
        self._opened: tuple[CachedDataset, Sets, list[Metric]] | None = None

    def opened(self) -> tuple[CachedDataset, Sets, list[Metric]]:
        """The data, the sets of the task and the metrics."""
        if self._opened is None:
            assembly = Assembly(self.recipe)
            data, sets = assembly.open_data()
            self._opened = (data, sets, assembly.metrics(data))
        return self._opened

    def score(self, folder: RunFolder, *, references: bool) -> None:
        """Score a finished run; write seed.json last, which says that it is scored."""
        data, sets, metrics = self.opened()
        own = TorchModel(bundle.load(folder.bundle, self.host.registry))
        size = self.recipe.train.size
        model = own if own.size == size else ResizedModel(own, size)

        def result(inputs: HeldOutInputs) -> list[Candidate]:
            return [Candidate(RESULT, model.images(inputs.sources), model)]

        scored = score_task(self.recipe, data, sets, result, metrics, self.host.registry, self.images, references=references)
        if scored is None:
            raise DataError("the test split has no inputs of this task: nothing can be compared")
        keep_scores(folder, scored)
        content = _per_seed(scored)
        if self.choose:
            content["validation"] = self._on_validation(model, data, sets, metrics)
        write_text(folder.path / SCORES, json.dumps(content) + "\n")

    def _on_validation(
        self, model: CallableModel, data: CachedDataset, sets: Sets, metrics: Sequence[Metric]
    ) -> dict[str, dict[str, Any]]:
        """The scores of the validation inputs."""
        held = held_out(self.recipe, data, sets, self.images, validation=True)
        if held is None:
            raise DataError("the validation split has no inputs of this task: nothing can be chosen on it")
        scored = scorecards(held, [Candidate(RESULT, model.images(held.sources), model)], metrics)
        if can_be_matched(scored[0][0]):
            scored = add_matched_identity(scored, held, held, self.host.registry)
        return scored[0][0].scores


def _without_size(recipe: Recipe) -> dict[str, Any]:
    """Its [data] table; each variant may see the images at a size of its own."""
    return {key: value for key, value in recipe.data.table().items() if key != "size"}


def _per_seed(scored: ScoredTask) -> dict[str, Any]:
    """What is kept of one run: its scores, the numbers of its images, and the reference rows' scores."""
    scorecard, results = scored.scored[0]
    numbers = {
        label: [round(float(value), 5) if np.isfinite(value) else None for value in values]
        for label, values in scorecard.per_image.items()
    }
    references = {name: scores for name, scores in scored.scores.items() if name != RESULT}
    people = np.unique(results.people, return_inverse=True)[1].tolist()
    return {"scores": scorecard.scores, "per_image": numbers, "people": people, "references": references}


def _compared(done: Mapping[str, Sequence[Path]], scorer: _Scorer, seeds: int) -> Ablation:
    """All that is finished so far."""
    kept = {name: [json.loads((path / SCORES).read_text()) for path in paths] for name, paths in done.items()}
    own = {
        name: {
            **over_seeds([SeedScores(one["scores"], one["per_image"], one["people"]) for one in found]),
            **_cost(done[name]),
        }
        for name, found in kept.items()
    }
    references: dict[str, dict[str, dict[str, Any]]] = next(
        (one["references"] for found in kept.values() for one in found if one["references"]), {}
    )
    notes = [
        f"Means of {seeds} seed{'s' * (seeds > 1)} with 95% intervals, over people"
        + (" and seeds" if seeds > 1 else "")
        + "; those that overlap show no difference."
    ]
    best, label, validation = _best(kept) if scorer.choose else (None, "", None)
    if best is not None and validation is not None:
        notes.append(f"Best on the validation inputs, by {label}: {best}. The table has the test inputs.")
        own = {name: {f"validation: {label}": dict(validation[name]), **scores} for name, scores in own.items()}
    first = {name: paths[0] for name, paths in done.items()}
    settings = setting_table({name: bundle.read_metadata(bundle.find(path))["recipe"] for name, path in first.items()})
    title = f"{scorer.recipe.task.name}: {len(done)} variant{'s' * (len(done) > 1)}"
    scores: dict[str, dict[str, dict[str, Any]]] = {**own, **references}
    return Ablation(Comparison(title, scores, list(own), settings, strips(first), notes), best, label, validation)


def _cost(paths: Sequence[Path]) -> dict[str, dict[str, Any]]:
    """Minutes of training, the mean over seeds; the steps of the main stage are a setting."""
    seconds = [sum(line["seconds"] for line in RunFolder(path).read_metrics()) for path in paths]
    counts = {"value": float(len(paths)), "n": len(paths), "unit": "", "better": "", "role": ""}
    return {"minutes of training": {**counts, "value": float(np.mean(seconds)) / 60}, "seeds": counts}


def _best(kept: Mapping[str, Sequence[Mapping[str, Any]]]) -> tuple[str | None, str, Mapping[str, Mapping[str, Any]] | None]:
    """The best variant by its mean on the validation inputs, the score's label, and this score of each variant."""
    means = {name: over_seeds([SeedScores(one["validation"], {}, ()) for one in found]) for name, found in kept.items()}
    first = next(iter(means.values()))
    known = [
        label
        for role in CHOSEN_BY
        for label in sorted(labels(first, role), key=lambda label: first[label]["unit"] == "share")
        if all(scores.get(label, {}).get("value") is not None for scores in means.values())
    ]
    if not known:
        return None, "", None
    own = {name: {**scores[known[0]], "role": ""} for name, scores in means.items()}
    sign = -1 if next(iter(own.values()))["better"] == "lower" else 1
    return max(own, key=lambda name: sign * own[name]["value"]), known[0], own
