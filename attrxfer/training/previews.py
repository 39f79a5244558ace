"""Sample images of a run: what its stages make of the same inputs at different steps."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from attrxfer.data import CachedDataset, Sets
from attrxfer.interfaces import HasPreview, Stage
from attrxfer.recipe import Recipe
from attrxfer.storage.conversion import to_uint8
from attrxfer.storage.files import write_bytes
from attrxfer.storage.run_folder import RunFolder
from attrxfer.training.devices import AccelerateDevices


def save_strip(folder: RunFolder, name: str, images: NDArray[np.uint8]) -> None:
    """Write images (N, S, S, 3) side by side into samples/NAME.png."""
    buffer = io.BytesIO()
    Image.fromarray(np.concatenate(list(images), axis=1)).save(buffer, format="PNG")
    write_bytes(folder.samples / f"{name}.png", buffer.getvalue())


class Previews:
    """Draws sample strips into the run's folder.

    Args:
        folder: The run's folder.
        recipe: Says how often samples are drawn ([report] samples_every) and how many images (samples).
        data: The opened data set.
        sets: The sets of the task; the inputs are held-out images where there are any.
        devices: Where the networks are; only the main process draws.
        set_training: Switches all networks to train mode (True) or eval mode (False).
    """

    def __init__(
        self,
        folder: RunFolder,
        recipe: Recipe,
        data: CachedDataset,
        sets: Sets,
        devices: AccelerateDevices,
        set_training: Callable[[bool], None],
    ) -> None:
        self.folder, self.recipe, self.data, self.devices, self.set_training = folder, recipe, data, devices, set_training
        self.rows = sets.shown(recipe.report.samples)

    @property
    def sources(self) -> NDArray[np.uint8]:
        """The inputs that are drawn, uint8 (N, S, S, 3)."""
        return self.data.images_u8(self.rows)

    def draw(self, stage: Stage, name: str, step: int) -> Mapping[str, NDArray[np.uint8]]:
        """Draw what a stage makes of the inputs, when it is due and the stage has a preview.

        Args:
            stage: The stage.
            name: Begins the names of its strips.
            step: How many of its steps are done.

        Returns:
            The images drawn, uint8 (N, S, S, 3), by the name of their strip ("" where the stage has one only); empty when
            nothing was due.
        """
        every = self.recipe.report.samples_every
        if not self.devices.main or not isinstance(stage, HasPreview):
            return {}
        if step != stage.steps and (not every or step % every):
            return {}
        self.set_training(False)
        with torch.no_grad():
            made = stage.preview(self.devices.images(self.data.images_u8(self.rows)))
        self.set_training(True)
        strips: Mapping[str, Tensor] = made if isinstance(made, Mapping) else {"": made}
        drawn = {part: to_uint8(images) for part, images in strips.items()}
        for part, images in drawn.items():
            save_strip(self.folder, f"{name}{f' {part}' if part else ''}-{step:07d}", images)
        self._draw_inputs()
        return drawn

    def _draw_inputs(self) -> None:
        """Draw the inputs, and their exact truth where the data set can draw it, unless this run did before."""
        if (self.folder.samples / "source.png").exists():
            return
        truth = self.data.truth(self.rows, self.recipe.task.guided)
        if truth is not None:
            save_strip(self.folder, "truth", truth)
        save_strip(self.folder, "source", self.sources)  # last: it says that both are there, also after a kill in between
