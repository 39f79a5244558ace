"""Training for a given time of the processor, so that a busy machine takes nothing from a method."""

from __future__ import annotations

import json
import time

from attrxfer.plugin.host import Host
from attrxfer.recipe import Recipe
from attrxfer.storage.files import write_text
from attrxfer.storage.run_folder import RunFolder
from attrxfer.training.loop import Training

TIME = "time.json"
"""What a finished run's folder has beside its bundle."""


def train(recipe: Recipe, folder: RunFolder, host: Host, minutes: float | None) -> Training:
    """Run a recipe's stages until ``minutes`` of processor time are gone, and write its bundle.

    The stages before the adversarial one run as often as the recipe says, and count. Results that are found in the cache cost
    nothing. Reading the images does not count.

    Args:
        recipe: The recipe.
        folder: A new run's folder.
        host: The plugins.
        minutes: Of the processor, all threads together; None: the recipe's own steps.

    Returns:
        The run; time.json in its folder has the iterations and the seconds of each stage.
    """
    training = Training(recipe, folder, host, quiet=True)
    training.create_folder()
    iterations: dict[str, int] = {}
    seconds: dict[str, float] = {}
    for planned in training.stages:
        began = time.process_time()
        stage = training.prepared(planned)
        training._set_training(True)
        before = sum(seconds.values())
        index = 0
        while index < stage.steps:
            training.one_step(stage, planned, index)
            index += 1
            gone = before + time.process_time() - began
            if minutes is not None and planned.slot == "adversarial" and gone >= 60 * minutes:
                break
        training.read_steps(stage, planned)
        if stage.steps:
            stage.finish()
        iterations[planned.key] = index
        seconds[planned.key] = round(time.process_time() - began, 1)
    training.metrics.close()
    training._set_training(False)
    training._write_bundle()
    write_text(folder.path / TIME, json.dumps({"iterations": iterations, "seconds": seconds}))
    return training
