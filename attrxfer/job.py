"""The whole job behind ``attrxfer run``: train, score, report."""

from __future__ import annotations

import json
from pathlib import Path

from attrxfer import bundle
from attrxfer.engine.folder import RunFolder
from attrxfer.engine.run import Training
from attrxfer.errors import AttrxferError
from attrxfer.evaluate import evaluate, held_out
from attrxfer.files import write_text
from attrxfer.host import Host
from attrxfer.params import build
from attrxfer.recipe import Recipe, load
from attrxfer.report.page import write_report
from attrxfer.transfer import Transfer


def run(recipe: Recipe, path: Path, host: Host, *, resume: bool = False, quiet: bool = False) -> RunFolder:
    """Train a recipe into a run folder, score its bundle on held-out pictures, write the report.

    Raises what ``Training.train`` raises; a run that was stopped while it was scored goes on there when resumed.
    """
    lacking = recipe.needs()
    if lacking:
        raise AttrxferError("\n".join(f"{recipe.source} needs {need}" for need in lacking))
    folder = RunFolder(path)
    if resume:
        folder.require()
    else:
        folder.refuse_existing()
    training = Training(recipe, folder, host, quiet=quiet)
    if not resume:
        training.create_folder()
    training.train()
    if training.devices.main:
        score(training)
        reference = load(recipe.reference, host).filled() if recipe.reference is not None else None
        write_report(folder, recipe, reference)
        training.display.say(f"report: {folder.report}\nbundle: {folder.bundle}")
    training.devices.wait()
    training.devices.close()
    return folder


def score(training: Training) -> dict[str, float]:
    """Score the run's bundle as a user would load it, and write the scores beside it and into it."""
    folder, recipe = training.folder, training.recipe
    transfer = Transfer(bundle.load(folder.bundle, training.host.registry), training.devices.device)
    dataset = build(recipe.data, training.memo)
    evaluation = held_out(transfer, dataset, training.data, training.sets, recipe.report.evaluate, recipe.train.seed)
    if evaluation is None:
        training.display.say("no held-out inputs: nothing to score")
        return {}
    training.display.say(f"scoring {len(evaluation.rows)} held-out pictures")
    scores = evaluate(evaluation, [build(spec, {}) for spec in recipe.metric])
    write_text(folder.scores, json.dumps(scores, indent=2) + "\n")
    bundle.add_scores(folder.bundle, scores)
    training.display.say("\n".join(f"  {name}: {value:.4g}" for name, value in scores.items()))
    return scores
