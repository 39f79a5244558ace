"""How a trained chain is executed, and the forms it is exported to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import nn


class Runner(Protocol):
    """A chain ready to run."""

    def __call__(self, images: NDArray[np.uint8], strength: float, /) -> NDArray[np.uint8]:
        """Results for uint8 images (N, S, S, 3) at a strength, of the same shape."""
        ...


class Backend(Protocol):
    """Kind ``backend``: runs a chain of networks.

    Optional ability: ``ChosenAutomatically``.
    """

    def prepare(self, graph: nn.Module, example: NDArray[np.uint8], key: str) -> Runner:
        """Make a runner.

        Args:
            graph: The chain as a torch module in eval mode, (images uint8 (N, S, S, 3), strength ()) -> results uint8.
            example: uint8 images (N, S, S, 3) of the shape that the runner will get.
            key: Equal for equal graphs; under it, what takes long to make can be kept in the cache.
        """
        ...


class Exporter(Protocol):
    """Kind ``exporter``: writes a chain into one file that runs without torch.

    Optional abilities: ``Calibrated``, ``GathersFiles``.

    Attributes:
        suffix: Of the file, with its dot. Exporters may share one when each of them opens the files of all.
    """

    suffix: ClassVar[str]

    def export(self, graph: nn.Module, example: NDArray[np.uint8], path: Path, metadata: Mapping[str, object]) -> None:
        """Write a file.

        Args:
            graph: As a backend gets it.
            example: As a backend gets it.
            path: The file.
            metadata: What the file must return when it is opened, as JSON takes it.
        """
        ...

    def open(self, path: Path) -> tuple[Runner, Mapping[str, Any]]:
        """Open a file without torch.

        Returns:
            A runner, and the metadata that the file was written with.

        Raises:
            BundleError: It is damaged, or not such a file.
            AttrxferError: What runs it is not installed.
        """
        ...
