from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from attrxfer.interfaces import Batch


class Middle:
    """The square in the middle of every image, wherever its subject is.

    share: of the side.
    """

    def __init__(self, *, share: Annotated[float, Field(gt=0, le=1)] = 0.5) -> None:
        self.share = share

    def masks(self, data: Any, batch: Batch) -> NDArray[np.float32]:
        size = batch.images.shape[-1]
        edge = round(size * (1 - self.share) / 2)
        mask = np.zeros((len(batch.rows), 1, size, size), np.float32)
        mask[:, :, edge : size - edge, edge : size - edge] = 1
        return mask
