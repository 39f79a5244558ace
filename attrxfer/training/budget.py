"""How many steps fit into some minutes, by timing a few."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from attrxfer.errors import AttrxferError
from attrxfer.plugin.host import Host
from attrxfer.recipe import Recipe
from attrxfer.recipe.assembly import Assembly
from attrxfer.storage.run_folder import RunFolder
from attrxfer.training.loop import Training

PROBE = 6
"""Steps that are timed; the first is left out, since it also allocates memory."""


def main_stage(recipe: Recipe) -> str:
    """The name of the stage that trains T against D.

    Raises:
        AttrxferError: The recipe has none.
    """
    for planned in Assembly(recipe).stages:
        if planned.slot == "adversarial":
            return planned.name
    raise AttrxferError(f"{recipe.source}: no stage trains T against D, so there is none whose steps could be chosen")


def with_steps(recipe: Recipe, steps: int) -> Recipe:
    """The recipe with so many steps of its main stage."""
    name = main_stage(recipe)
    spec = recipe.stage(name)
    changed = replace(spec, values={**spec.values, "steps": steps})
    return replace(recipe, stage_specs={**recipe.stage_specs, name: changed})


def steps_for(minutes: float, recipe: Recipe, folder: Path, host: Host) -> Recipe:
    """The recipe with as many steps of its main stage as the minutes hold. The other stages keep theirs.

    Args:
        minutes: The minutes.
        recipe: The recipe.
        folder: Where it will be trained.
        host: The plugins.
    """
    probed = with_steps(recipe, PROBE)
    probed = replace(probed, train=replace(probed.train, trackers=()))  # what is probed is no run
    training = Training(probed, RunFolder(folder), host, quiet=True)
    name = main_stage(recipe)
    stage = training.prepared(next(planned for planned in training.stages if planned.name == name))
    times = []
    for index in range(PROBE):
        began = time.monotonic()
        stage.step(index)
        training.devices.finish()
        times.append(time.monotonic() - began)
    return with_steps(recipe, max(1, int(minutes * 60 / float(np.mean(times[1:])))))
