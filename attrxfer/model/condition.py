"""A generator that can change several attributes, held to one change: then it is a generator like any other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from attrxfer.errors import AttrxferError, did_you_mean


def change_of(attributes: Sequence[str], wanted: Mapping[str, bool]) -> Tensor:
    """The change (attributes,) that makes attributes true (1) or false (-1), and leaves the others (0).

    Args:
        attributes: The attributes that a generator can change.
        wanted: Attribute -> value that results should have.

    Raises:
        AttrxferError: It cannot change one of them; the message names the nearest.
    """
    for name in wanted:
        if name not in attributes:
            raise AttrxferError(
                f'this model cannot change "{name}"{did_you_mean(name, attributes)}; it can change {", ".join(attributes)}'
            )
    return torch.tensor([0.0 if name not in wanted else 1.0 if wanted[name] else -1.0 for name in attributes])


def changing(metadata: Mapping[str, Any], wanted: Mapping[str, bool]) -> dict[str, Any]:
    """The metadata of a bundle for many attributes, where it changes others than its recipe's task says. What was measured
    for that task (scores, response to strength, which images have the attribute already) is left out."""
    task = {**metadata["task"], "guided": dict(wanted)}
    return {**metadata, "task": task, "scores": {}, "response": None, "attribute": None}


class Fixed(nn.Module):
    """A generator with the ability ``Conditional`` and a change: images (N, 3, S, S) -> images.

    Args:
        generator: The generator.
        change: One for all images (attributes,), or one for each (N, attributes).
    """

    change: Tensor

    def __init__(self, generator: nn.Module, change: Tensor) -> None:
        super().__init__()
        self.generator = generator
        self.register_buffer("change", change)

    def parts(self, images: Tensor) -> Mapping[str, Tensor]:
        """What the generator makes of images (N, 3, S, S): "output" and more."""
        made: Mapping[str, Tensor] = self.generator.parts(images, self._of(images))  # type: ignore[operator]
        return made

    def forward(self, images: Tensor) -> Tensor:
        made: Tensor = self.generator(images, self._of(images))
        return made

    def _of(self, images: Tensor) -> Tensor:
        return self.change.expand(images.shape[0], -1)
