"""Training for a given time of the processor, so that a busy machine takes nothing from a method."""

from __future__ import annotations

import time
from typing import NamedTuple

from attrxfer.model import bundle
from attrxfer.model.torch_model import TorchModel
from attrxfer.plugin.host import Host
from attrxfer.recipe import Recipe
from attrxfer.storage.run_folder import RunFolder
from attrxfer.training.loop import Training


class Trained(NamedTuple):
    """A method trained.

    Attributes:
        training: The run.
        seconds: Processor time by stage.
        iterations: Steps by stage.
    """

    training: Training
    seconds: dict[str, float]
    iterations: dict[str, int]

    def model(self) -> TorchModel:
        """The bundle, opened for the task."""
        return TorchModel(bundle.load(self.training.folder.bundle, self.training.host.registry))


def train(recipe: Recipe, folder: RunFolder, host: Host, minutes: float | None) -> Trained:
    """Run a recipe's stages until ``minutes`` of processor time are gone, and write its bundle.

    The stages before the adversarial one run as often as the recipe says, and count. Results that are found in the cache cost
    nothing. Reading the images does not count.

    Args:
        recipe: The recipe.
        folder: A new run's folder.
        host: The plugins.
        minutes: Of the processor, all threads together; None: the recipe's own steps.
    """
    training = Training(recipe, folder, host, quiet=True)
    training.create_folder()
    made = Trained(training, {}, {})
    for planned in training.stages:
        began = time.process_time()
        stage = training.prepared(planned)
        training._set_training(True)
        before = sum(made.seconds.values())
        index = 0
        while index < stage.steps:
            training.one_step(stage, planned, index)
            index += 1
            gone = before + time.process_time() - began
            if minutes is not None and planned.slot == "adversarial" and gone >= 60 * minutes:
                break
        if stage.steps:
            stage.finish()
        made.iterations[planned.key] = index
        made.seconds[planned.key] = time.process_time() - began
    training.metrics.close()
    training._set_training(False)
    training._write_bundle()
    return made
