from collections.abc import Mapping

import numpy as np

from attrxfer.interfaces import Each, Evaluation, Whole


class Change:
    """Mean absolute difference of result and input, in steps of 0..255."""

    def __call__(self, evaluation: Evaluation) -> Mapping[str, Each | Whole]:
        difference = np.abs(evaluation.outputs.astype(np.float32) - evaluation.sources)
        return {"change": Each(difference.mean((1, 2, 3)), better="lower")}
