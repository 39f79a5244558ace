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
    """Images uint8 (N, S, S, 3) and a strength -> results of the same shape."""

    def __call__(self, images: NDArray[np.uint8], strength: float) -> NDArray[np.uint8]: ...


class Backend(Protocol):
    """Kind ``backend``: runs a chain. automatic: whether ``auto`` may choose it, which what takes minutes to prepare
    should not allow."""

    automatic: ClassVar[bool]

    def prepare(self, graph: nn.Module, example: NDArray[np.uint8], key: str) -> Runner:
        """``graph``: a torch module, (images uint8 (N, S, S, 3), strength ()) -> results uint8, in eval mode. ``example``:
        images of the shape that will come. ``key``: equal for equal graphs, to keep what takes long to make."""
        ...


class Exporter(Protocol):
    """Kind ``exporter``: writes a chain into one file that runs without torch. suffix: of that file, with its dot; several
    exporters may share one when any of them opens the files of all. A class with ``calibrated = True`` measures on the
    examples, which must then be real images."""

    suffix: ClassVar[str]

    def export(self, graph: nn.Module, example: NDArray[np.uint8], path: Path, metadata: Mapping[str, object]) -> None:
        """``graph`` and ``example`` as a backend gets them; ``card`` (JSON) goes into the file."""
        ...

    def open(self, path: Path) -> tuple[Runner, Mapping[str, Any]]:
        """The file's runner and card, without torch. Raises BundleError when it is not such a file."""
        ...
