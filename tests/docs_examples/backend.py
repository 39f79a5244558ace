from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from attrxfer.interfaces import Runner


class Plain:
    """The graph as torch runs it, on the processor."""

    automatic: ClassVar[bool] = True

    def prepare(self, graph: Any, example: NDArray[np.uint8], key: str) -> Runner:
        def run(images: NDArray[np.uint8], strength: float) -> NDArray[np.uint8]:
            with torch.no_grad():
                return graph(torch.from_numpy(images), torch.tensor(strength)).numpy()

        return run
