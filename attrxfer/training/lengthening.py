"""More steps for a run that has begun, or is finished."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from attrxfer.errors import AttrxferError
from attrxfer.plugin.host import Host
from attrxfer.recipe import Recipe, load, shown
from attrxfer.recipe.assembly import Assembly, PlannedStage
from attrxfer.storage import state
from attrxfer.storage.files import write_text
from attrxfer.storage.run_folder import RunFolder
from attrxfer.training.changes import edited_settings


@dataclass(frozen=True)
class Lengthening:
    """What changes in a run's folder when it is lengthened.

    Attributes:
        recipe: The recipe with the new steps.
        steps: {stage: (steps before, steps after)}.
        back_to: The stage that is done and goes on from its last state; None where the newest checkpoint is before its end.
    """

    recipe: Recipe
    steps: Mapping[str, tuple[int, int]]
    back_to: str | None

    def apply(self, folder: RunFolder) -> None:
        """Go back to the stage's last state, and write the recipe, also as what the run began with."""
        if self.back_to is not None:
            state.go_back(folder.checkpoints, folder.ends / self.back_to)
        write_text(folder.recipe, self.recipe.to_toml())
        folder.update_info({"recipe": self.recipe.filled()})


def lengthened(folder: RunFolder, overrides: Sequence[str], host: Host) -> Lengthening:
    """Look at how the steps of a run's stages can be changed; nothing else of a run can be.

    A stage that is done goes on from its last state, and the stages after it are trained again. The weights are those of a
    run that had these steps from the beginning, unless a stage's settings depend on its steps (``lr_decay``): the steps that
    are done keep the learning rates that they had.

    Args:
        folder: The run's folder.
        overrides: Settings "train.STAGE.steps=N"; settings of [report] and ``train.checkpoint_every`` are taken too.
        host: The plugins.

    Raises:
        AttrxferError: recipe.toml was edited, another setting is changed, a stage would be shorter than it is already, or its last
            state was not kept.
    """
    before = load(folder.recipe, host)
    if edited := edited_settings(before, folder.read_info()):
        raise AttrxferError(f"{folder.recipe}: was edited ({edited}), so it cannot be lengthened; take that back first")
    after = load(folder.recipe, host, overrides)
    stages = Assembly(after).stages
    changed = _changed(before, after, stages)
    at, step = state.position(folder.checkpoints) or (0, 0)
    done = []
    for number, planned in enumerate(stages):
        if planned.name in changed and number <= at:
            old, new = changed[planned.name]
            taken = old if number < at else step
            if new < taken:
                raise AttrxferError(f"{folder.path}: {planned.key} has {taken} steps already, more than {new}")
            done += [planned.key] if number < at else []
    if done and state.position(folder.ends / done[0]) is None:
        raise AttrxferError(
            f"{folder.path}: {done[0]} is done and its last state was not kept, so it cannot go on; "
            f"begin with its weights: attrxfer run --from {folder.path}"
        )
    return Lengthening(after, changed, done[0] if done else None)


def _changed(before: Recipe, after: Recipe, stages: Sequence[PlannedStage]) -> dict[str, tuple[int, int]]:
    """{stage: (steps before, steps after)} of the stages whose steps differ. Raises AttrxferError where anything else does."""
    changed = {}
    for name in dict.fromkeys(planned.name for planned in stages):
        old, new = (recipe.stage(name).values.get("steps", 0) for recipe in (before, after))
        if old != new:
            changed[name] = (old, new)
    for key, old, new in _other(before.filled(), after.filled()):
        raise AttrxferError(
            f"--resume: {key} is {shown(old)} in this run, not {shown(new)}: of a run that has begun only train.STAGE.steps "
            "can be changed; attrxfer run --from RUN begins a new one with its weights"
        )
    return changed


def _other(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """The settings that differ and change what is trained, steps left out."""

    def flat(table: Mapping[str, Any], path: str = "") -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in table.items():
            own = f"{path}.{key}" if path else key
            found |= flat(value, own) if isinstance(value, Mapping) and value else {own: value}
        return found

    here, there = flat(before), flat(after)
    return [
        (key, here.get(key), there.get(key))
        for key in {**here, **there}
        if here.get(key) != there.get(key)
        and not key.startswith("report.")
        and key != "train.checkpoint_every"
        and not (key.startswith("train.") and key.endswith(".steps") and key.count(".") == 2)
    ]
