"""A transfer in one file that needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attrxfer.interfaces import Framing, Runner
from attrxfer.registry import Registry

BATCH = 32


class Exported:
    """What ``attrxfer.transfer.Transfer`` is for pictures uint8, out of an exported file: size, guided, framing, card."""

    def __init__(self, path: Path, runner: Runner, card: Mapping[str, Any]) -> None:
        self.path = path
        self.card = card
        self.size: int = card["size"]
        self.guided: dict[str, bool] = card["task"]["guided"]
        framing = card["framing"]
        self.framing = Framing(tuple(framing["source"]), tuple(framing["crop"])) if framing else None
        self._runner = runner

    def pictures(self, uint8: NDArray[np.uint8], strength: float = 1.0) -> NDArray[np.uint8]:
        """x + strength * (chain(x) - x) for pictures uint8 (N, S, S, 3), in batches of 32; strength 0 is the input itself."""
        if strength == 0 or not len(uint8):
            return uint8
        return np.concatenate([self._runner(uint8[i : i + BATCH], strength) for i in range(0, len(uint8), BATCH)])


def find(path: Path, registry: Registry) -> Exported | None:
    """The exported transfer in a file, None when no exporter writes files of its suffix. Raises BundleError when the file
    is damaged or not attrxfer's, AttrxferError when what reads it is not installed."""
    if path.is_file():
        for component in registry.all("exporter"):
            exporter: Any = component.load()
            if path.suffix == exporter.suffix:
                return Exported(path, *exporter().open(path))
    return None
