"""What a recognition network says about images, and how T(x) is compared with x."""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor

from attrxfer.interfaces import TransferStep
from attrxfer_diat.recognition.views import COLUMNS, random_view


class Description(NamedTuple):
    """The output of the network for images.

    Attributes:
        embedding: Unit vectors (N, E), near each other for images of one person; (N, 0) where the network knows no people.
        logits: (N, A), positive where the attribute is seen.
    """

    embedding: Tensor
    logits: Tensor


@runtime_checkable
class Recognition(Protocol):
    """A network that knows people, attributes or both.

    Attributes:
        attributes: The names of the logits; empty where the network knows none.
        embedding: Length of the embedding; 0 where it knows no people.
        blur: Greatest standard deviation in pixels of the blur of the views in which it sees images.
    """

    attributes: tuple[str, ...]
    embedding: int
    blur: float

    def describe(self, images: Tensor) -> Description:
        """Read images (N, 3, S, S) in -1..1."""
        ...


def read_source(network: Recognition, step: TransferStep) -> Description:
    """Read x (without graph) under a random view, once in an update of T."""

    def read() -> Description:
        with torch.no_grad():
            return _read(network, step, step.source)

    return step.once((id(network), "source"), read)


def read_output(network: Recognition, step: TransferStep) -> Description:
    """Read T(x) (with graph) under the view of ``read_source``, once in an update of T."""
    return step.once((id(network), "output"), lambda: _read(network, step, step.output))


def _read(network: Recognition, step: TransferStep, images: Tensor) -> Description:
    uniform = step.once("view", lambda: step.uniform("view", COLUMNS))
    noise = step.once("view noise", lambda: step.uniform("view noise", step.source[0].numel()))
    return network.describe(random_view(images, uniform, noise, network.blur))
