"""How long a training will take, from a few steps of each stage on networks that are thrown away."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import torch

from attrxfer.recipe import Recipe
from attrxfer.recipe.assembly import Assembly
from attrxfer.training.checkpointing import Position
from attrxfer.training.stage_run import StageRun, components_of

TRIED = 3
"""Steps of a stage that are timed; the fastest counts, since the first one also allocates memory."""
FEWEST = 100
"""Steps from which a training is forecast."""
DIFFERENT = ("fp16",)
"""Precisions whose loss scale is part of the run's state, which these steps would change."""


def seconds_left(recipe: Recipe, run: StageRun, position: Position) -> float | None:
    """The seconds of all steps from a position on; None for fewer than 100 steps, and in fp16.

    Networks, optimizers and random numbers of the run itself are left as they are.

    Args:
        recipe: The run's recipe.
        run: The run's data and devices; its networks are not used.
        position: Where the run stands.
    """
    if run.devices.precision in DIFFERENT:
        return None
    assembly = Assembly(recipe)
    left = [recipe.stage(planned.name).values.get("steps", 0) for planned in assembly.stages[position.stage :]]
    if sum(left) - position.step < FEWEST:
        return None
    with torch.random.fork_rng():
        assembly.build_training()
        for network in assembly.networks().values():
            run.devices.place(network)
            network.train()
        trial = replace(run, **components_of(assembly))
        return sum(_stage_seconds(assembly, trial, position, number) for number in range(position.stage, len(assembly.stages)))


def _stage_seconds(assembly: Assembly, run: StageRun, position: Position, number: int) -> float:
    """The seconds that are left of one stage."""
    planned = assembly.stages[number]
    stage = assembly.stage(planned)
    stage.prepare(replace(run, stage=planned.key), assembly.owner(planned))
    left = stage.steps - (position.step if number == position.stage else 0)
    times = []
    for index in range(min(TRIED, left)):
        began = time.monotonic()
        with run.devices.processes.step(f"forecast of {planned.key}, step {index}"):
            run.devices.processes.will_return(len(stage.step(index)))
        run.devices.finish()
        times.append(time.monotonic() - began)
    return left * min(times) if times else 0.0


def shown(seconds: float, now: Sequence[int] | None = None) -> str:
    """A forecast in words.

    Args:
        seconds: How long it will take.
        now: Hour and minute; those of the clock where it is left out.

    >>> shown(90, (14, 59)), shown(7200, (23, 30))
    ('about 2 min of training, until about 15:01; then scoring', 'about 2 h of training, until about 01:30; then scoring')
    """
    hour, minute = now or time.localtime()[3:5]
    end = hour * 60 + minute + round(seconds / 60)
    length = f"{seconds / 3600:.2g} h" if seconds >= 5400 else f"{max(1, round(seconds / 60))} min"
    return f"about {length} of training, until about {end // 60 % 24:02d}:{end % 60:02d}; then scoring"
