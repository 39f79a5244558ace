"""Whether the attribute came, and whether the others stayed, as the judge sees it."""

from __future__ import annotations

from collections.abc import Mapping

from attrxfer.interfaces import Each, Evaluation, Whole
from attrxfer_metrics.classifier import Judged


class Judge(Judged):
    """Share of results that the judge sees as having the target attributes, and of the other attributes the share that it
    sees as in the input. Its own accuracy on real test pictures stands beside its verdicts."""

    def __call__(self, evaluation: Evaluation) -> Mapping[str, Each | Whole]:
        """ "success", "other attributes kept" and "accuracy of the judge", all in 0..1."""
        judge = self.classifier(evaluation.data, evaluation.seed)
        found: dict[str, Each | Whole] = {
            "success": Each(judge.successes(evaluation.outputs, evaluation.target).astype(float), "share")
        }
        others = [column for column, name in enumerate(judge.names) if name not in evaluation.target]
        if others:
            before, after = judge.verdicts(evaluation.sources)[:, others], judge.verdicts(evaluation.outputs)[:, others]
            found["other attributes kept"] = Each((before == after).mean(1), "share")
        accuracy = judge.accuracy(evaluation.data, evaluation.target)
        found["accuracy of the judge"] = Whole(accuracy, len(evaluation.data.rows("test", None)), unit="share")
        return found
