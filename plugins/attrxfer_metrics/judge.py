"""Whether the attribute came, as the judge sees it."""

from __future__ import annotations

from collections.abc import Mapping

from attrxfer.interfaces import Evaluation
from attrxfer_metrics.classifier import Judged


class Judge(Judged):
    """Share of results that the judge sees as having the target attributes; its own accuracy on real test pictures stands
    beside its verdicts."""

    def __call__(self, evaluation: Evaluation) -> Mapping[str, float]:
        """ "judged as target" for results and inputs, and the judge's own accuracy, all in 0..1."""
        judge = self.classifier(evaluation.data, evaluation.seed)
        return {
            "judged as target": float(judge.successes(evaluation.outputs, evaluation.target).mean()),
            "inputs judged as target": float(judge.successes(evaluation.sources, evaluation.target).mean()),
            "accuracy of the judge": judge.accuracy(evaluation.data, evaluation.target),
        }
