from collections.abc import Sequence
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from attrxfer.interfaces import Broken, Records


class Discs:
    """Discs of any colour on black, large or small. The attribute is ``Large``; every disc is a subject of its own.

    size: side of the images in pixels. count: how many.
    """

    def __init__(self, *, size: Annotated[int, Field(ge=16)] = 64, count: Annotated[int, Field(ge=10)] = 200) -> None:
        self.size = size
        self.count = count

    def records(self) -> Records:
        rows = np.arange(self.count)
        split = np.where(rows % 10 < 8, 0, np.where(rows % 10 < 9, 1, 2)).astype(np.uint8)
        return Records(tuple(f"disc-{row:05d}" for row in rows), {"Large": rows // 10 % 2 == 0}, split)

    def read(self, rows: Sequence[int]) -> list[NDArray[np.uint8] | Broken]:
        return [self._draw(row) for row in rows]

    def fingerprint(self) -> str:
        return f"discs {self.size} {self.count}"

    def _draw(self, row: int) -> NDArray[np.uint8]:
        x, y = np.meshgrid(*[np.linspace(-1, 1, self.size)] * 2)
        inside = np.hypot(x, y) < (0.8 if row // 10 % 2 == 0 else 0.4)
        colour = np.random.default_rng(row).integers(50, 256, 3)
        return (inside[..., None] * colour).astype(np.uint8)
