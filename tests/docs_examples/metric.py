from collections.abc import Mapping

import numpy as np

from attrxfer.interfaces import AggregateScore, Evaluation, PerImageScore


class Change:
    """Mean absolute difference of result and input, in steps of 0..255."""

    def __call__(self, evaluation: Evaluation) -> Mapping[str, PerImageScore | AggregateScore]:
        difference = np.abs(evaluation.outputs.astype(np.float32) - evaluation.sources)
        return {"change": PerImageScore(difference.mean((1, 2, 3)), better="lower")}
