"""Training a recipe, scoring the result and writing the report: ``attrxfer run``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from attrxfer.data import data_table
from attrxfer.errors import AttrxferError, Interrupted
from attrxfer.evaluation.candidates import Candidate
from attrxfer.evaluation.leakage import refuse_teachers
from attrxfer.evaluation.scores import HeldOutInputs
from attrxfer.interfaces import Metric
from attrxfer.model import bundle
from attrxfer.model.loading import locate
from attrxfer.model.torch_model import TorchModel
from attrxfer.plugin.host import Host
from attrxfer.recipe import Recipe, complete, differences, in_short, load
from attrxfer.report.run_report import write_report
from attrxfer.report.score_text import shown
from attrxfer.storage.files import is_full_disk, write_text
from attrxfer.storage.run_folder import RunFolder
from attrxfer.training.lengthening import Lengthening, lengthened
from attrxfer.training.loop import Training
from attrxfer.training.start import SETTING as START
from attrxfer.workflows.check import require
from attrxfer.workflows.evaluate import ScoredTask, score_task

RESULT = "result"
"""The name of the run's own row in its scorecard."""


def begin(
    recipe: str | Recipe, host: Host, *, overrides: Sequence[str], data: Path | None, out: Path | None, quiet: bool = False
) -> RunFolder:
    """Check a recipe and run it.

    Args:
        recipe: A recipe's file or registered name; or a checked recipe, which takes neither overrides nor data.
        host: The plugins.
        overrides: Settings "a.b=c" that change the recipe.
        data: Images to train on instead of the recipe's, in any layout that an installed data set understands.
        out: The run's folder; ``runs/RECIPE`` where it is None.
        quiet: Say nothing but errors.

    Raises:
        UnknownName: There is no such recipe.
        InvalidRecipe: Every problem of the recipe.
        AttrxferError: What ``run`` raises.
    """
    if isinstance(recipe, str):
        table = data_table(data, host.registry.all("dataset")) if data is not None else None
        recipe = load(recipe, host, overrides, table)
    elif overrides or data is not None:
        raise AttrxferError("a Recipe takes no overrides and no data: give them to Recipe.load")
    return run(recipe, out or Path("runs") / Path(recipe.source).stem, host, quiet=quiet)


def fine_tune(
    model: str, host: Host, *, overrides: Sequence[str], data: Path | None, out: Path | None, quiet: bool = False
) -> RunFolder:
    """Train a model further, by its own recipe: a new run whose T begins with the model's weights (``train.start``).

    Args:
        model: A bundle, a finished run, or a shipped model's name.
        host: The plugins.
        overrides: Settings "a.b=c" that change the recipe.
        data: Images to train on instead of the recipe's.
        out: The run's folder; ``runs/MODEL_tuned`` where it is None.
        quiet: Print errors only.

    Raises:
        AttrxferError: It is no bundle, and what ``run`` raises.
    """
    place = locate(model, host)
    if isinstance(place, str) or place.is_file():
        raise AttrxferError(f"{model}: not a bundle, whose generator could be trained further")
    table = data_table(data, host.registry.all("dataset")) if data is not None else None
    own = bundle.read_metadata(place)["recipe"]
    recipe = complete(dict(own), model, host, [*overrides, started_with(model)], table)
    return run(recipe, out or Path("runs") / f"{Path(model).name}_tuned", host, quiet=quiet)


def started_with(model: str) -> str:
    """The setting with which T begins with a model's weights."""
    return f"{START}={json.dumps(model)}"


def resume(path: Path, host: Host, *, overrides: Sequence[str] = (), quiet: bool = False) -> RunFolder:
    """Continue an interrupted run, or lengthen one.

    Args:
        path: The run's folder.
        host: The plugins.
        overrides: Settings "train.STAGE.steps=N", with which the run is lengthened.
        quiet: Print errors only.

    Raises:
        AttrxferError: The folder holds no run, a setting that cannot be changed is given, and what ``run`` raises.
    """
    folder = RunFolder(path)
    folder.require()
    if not overrides:
        return run(load(folder.recipe, host), path, host, resume=True, quiet=quiet)
    longer = lengthened(folder, overrides, host)
    return run(longer.recipe, path, host, resume=True, quiet=quiet, longer=longer)


def run(
    recipe: Recipe,
    path: Path,
    host: Host,
    *,
    resume: bool = False,
    quiet: bool = False,
    scored: bool = True,
    longer: Lengthening | None = None,
) -> RunFolder:
    """Train a recipe into a run folder, score the bundle on held-out images, and write the report.

    Args:
        recipe: The recipe.
        path: The run's folder.
        host: The plugins.
        resume: Go on with the run in this folder, with its scoring too.
        quiet: Say nothing but errors.
        scored: Whether the bundle is scored; False leaves that to the caller.
        longer: How the run is lengthened before it goes on; None: it is not.

    Raises:
        InvalidRecipe: Every problem of the recipe.
        DataError: The data cannot be used.
        Interrupted: Ctrl-C, SIGTERM or SIGHUP; a checkpoint is written.
        NonFiniteLoss: A loss is NaN or infinite.
        AttrxferError: The folder holds a run already, or a metric reads a network that trains the model.
    """
    folder = RunFolder(path)
    with saying_how_to_go_on(folder):
        return _run(recipe, folder, host, resume=resume, quiet=quiet, scored=scored, longer=longer)


@contextmanager
def saying_how_to_go_on(folder: RunFolder) -> Iterator[None]:
    """Inside, Ctrl-C and a full disk end with the command that goes on with the run, once there is one."""
    try:
        yield
    except KeyboardInterrupt:
        if not folder.recipe.is_file():
            raise
        raise Interrupted(f"stopped; go on with: {folder.resume_command}") from None
    except OSError as error:
        if not is_full_disk(error) or not folder.recipe.is_file():
            raise
        raise AttrxferError(
            f"{error.filename or folder.path}: {error.strerror}; what was written before is whole: make room, then go on with: "
            f"{folder.resume_command}"
        ) from None


def _run(
    recipe: Recipe, folder: RunFolder, host: Host, *, resume: bool, quiet: bool, scored: bool, longer: Lengthening | None
) -> RunFolder:
    if resume:
        folder.require()
    else:
        folder.refuse_existing()
        recipe = recipe.with_absolute_paths()  # so that it can be resumed from another folder
    require(recipe, host)
    refuse_teachers({recipe.source: recipe.filled()}, recipe)
    training = Training(recipe, folder, host, quiet=quiet)
    metrics = training.assembly.metrics(training.data) if scored else []
    reference = load(recipe.reference, host).filled() if recipe.reference is not None else None
    with folder.occupied() if training.devices.main else nullcontext():
        if longer is not None:
            if training.devices.main:
                longer.apply(folder)
            for name, (before, after) in longer.steps.items():
                training.display.say(f"{name}: {after} steps instead of {before}")
            training.devices.wait()
        if resume:
            training.reopen_folder()
        else:
            training.create_folder()
            if reference is not None:
                changed = in_short(differences(recipe.filled(), reference))
                training.display.say(f"differs from {recipe.reference}: {changed or 'in nothing'}")
        training.train()
    training.devices.wait()
    training.devices.close()  # the other processes need not wait for the scores
    if training.devices.main:
        if scored:
            score(training, metrics)
        write_report(folder, recipe, reference)
        training.display.say(f"report: {folder.report}\nbundle: {folder.bundle}")
    return folder


def score(training: Training, metrics: Sequence[Metric]) -> None:
    """Score the run's bundle as ``attrxfer evaluate`` does; write the scores into scores.json and the bundle's metadata."""
    folder, recipe, registry = training.folder, training.recipe, training.host.registry

    def result(inputs: HeldOutInputs) -> list[Candidate]:
        training.display.say(f"scoring {len(inputs.rows)} held-out images")
        model = TorchModel(bundle.load(folder.bundle, registry), training.devices.device)
        return [Candidate(RESULT, model.images(inputs.sources), model)]

    scored = score_task(recipe, training.data, training.sets, result, metrics, registry, recipe.report.evaluate)
    if scored is None:
        training.display.say("no held-out inputs: nothing to score")
        return
    keep_scores(folder, scored)
    for name, value in scored.scores[RESULT].items():
        number, bounds = shown(value)
        training.display.say(f"  {name}: {number}" + (f" ({bounds})" if bounds else ""))


def keep_scores(folder: RunFolder, scored: ScoredTask) -> None:
    """Write the scores of a run's ``RESULT`` into scores.json and into its bundle's metadata."""
    content = scored.as_json()
    write_text(folder.scores, json.dumps(content, indent=2) + "\n")
    bundle.add_scores(
        folder.bundle,
        {"images": content["images"], "people": content["people"], "scores": scored.scores[RESULT]},
        content["responses"].get(RESULT),
    )
