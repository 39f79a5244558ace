"""Whether the attribute came, and whether the others stayed, as the judge sees it."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from attrxfer.interfaces import AggregateScore, Evaluation, PerImageScore
from attrxfer_metrics.classifier import Classifier, Judged


class Judge(Judged):
    """Share of results that the judge sees as having the target attributes, and of the other attributes the share that it
    sees as in the input. Its own accuracy on real test images stands beside its verdicts."""

    @functools.cached_property
    def known(self) -> dict[tuple[str, ...], AggregateScore]:
        return {}

    def __call__(self, evaluation: Evaluation) -> Mapping[str, PerImageScore | AggregateScore]:
        """ "success", "other attributes kept" and "accuracy of the judge", all in 0..1."""
        judge = self.classifier(evaluation.data)
        found: dict[str, PerImageScore | AggregateScore] = {
            "success": PerImageScore(judge.successes(evaluation.outputs, evaluation.target).astype(float), "share")
        }
        others = [column for column, name in enumerate(judge.names) if name not in evaluation.target]
        if others:
            before, after = judge.verdicts(evaluation.sources)[:, others], judge.verdicts(evaluation.outputs)[:, others]
            found["other attributes kept"] = PerImageScore((before == after).mean(1), "share")
        found["accuracy of the judge"] = self._accuracy(judge, evaluation)
        return found

    def _accuracy(self, judge: Classifier, evaluation: Evaluation) -> AggregateScore:
        """Found once for all candidates that are scored on these data."""
        key = (evaluation.data.key, *sorted(evaluation.target))
        if key not in self.known:
            value = judge.accuracy(evaluation.data, evaluation.target)
            self.known[key] = AggregateScore(value, len(evaluation.data.rows("test", None)), unit="share")
        return self.known[key]
