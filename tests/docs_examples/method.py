from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Average:
    """The mean of all training images that have the attribute, whatever the input is."""

    def __call__(self, data: Any, target: Mapping[str, bool], rows: NDArray[np.int64]) -> NDArray[np.uint8] | None:
        guided = data.rows("train", target)
        if not len(guided):
            return None
        mean = data.images_u8(guided).mean(0).round().astype(np.uint8)
        return np.repeat(mean[None], len(rows), axis=0)
