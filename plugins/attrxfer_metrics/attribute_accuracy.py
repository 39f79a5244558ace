"""Attribute accuracy and the share of other attributes kept, by an attribute classifier."""

from __future__ import annotations

import functools
import logging
from collections.abc import Mapping, Sequence

import numpy as np

from attrxfer.interfaces import AggregateScore, DatasetView, Evaluation, PerImageScore
from attrxfer_metrics.classifier import AttributeClassifier, UsesClassifier

RARE = 0.02
"""The target determines a label when one of its values occurs in less than this share of the images with the target, and
less than this share of the images with that value have the target (counted as if half of all images had the target)."""
EXPECTED = 10
"""Least number of images with the target that would have the value if the target had no influence on it."""
log = logging.getLogger("attrxfer")


class AttributeAccuracy(UsesClassifier):
    """Share of results for which an attribute classifier predicts the target attributes, and the share of other attributes
    for which it predicts the same in the result as in the input. The classifier's balanced accuracy on real test images is also
    given, where the test split has images with the target and without it.

    Labels that the target determines in the training split are left out of the other attributes (``determined``): a result
    cannot have the target and keep them.

    Args:
        network: A timm architecture.
        steps: Training steps of the classifier.
        batch_size: Images in a training step.
        lr: Highest learning rate of its one-cycle schedule (AdamW).
    """

    def __call__(self, evaluation: Evaluation) -> Mapping[str, PerImageScore | AggregateScore]:
        """Score results.

        Returns:
            "attribute accuracy", "other attributes kept" (absent where no other attribute is left) and "balanced
            accuracy of the attribute classifier" (absent where it cannot be told), all in 0..1.
        """
        data, target = evaluation.data, evaluation.target
        classifier = self.classifier(data)
        correct = classifier.has(evaluation.outputs, target).astype(float)
        scores: dict[str, PerImageScore | AggregateScore] = {
            "attribute accuracy": PerImageScore(correct, "share", role="attribute accuracy")
        }
        left_out = self._left_out(data, target)
        others = [i for i, name in enumerate(classifier.names) if name not in target and name not in left_out]
        if others:
            before, after = (classifier.predict(images)[:, others] for images in (evaluation.sources, evaluation.outputs))
            scores["other attributes kept"] = PerImageScore((before == after).mean(1), "share", role="other attributes kept")
        own = self._own_accuracy(classifier, evaluation)
        if own is not None:
            scores["balanced accuracy of the attribute classifier"] = own
        return scores

    @functools.cached_property
    def _accuracy_of(self) -> dict[tuple[object, ...], AggregateScore | None]:
        return {}

    @functools.cached_property
    def _left_out_for(self) -> dict[tuple[object, ...], tuple[str, ...]]:
        return {}

    def _left_out(self, data: DatasetView, target: Mapping[str, bool]) -> tuple[str, ...]:
        """Labels that do not count as other attributes. Computed and logged once for these data and target."""
        key = (data.key, *sorted(target.items()))
        if key not in self._left_out_for:
            self._left_out_for[key] = tuple(determined(data, target))
            if self._left_out_for[key]:
                names = ", ".join(self._left_out_for[key])
                log.warning("other attributes kept: without %s, which the target determines in the training split", names)
        return self._left_out_for[key]

    def _own_accuracy(self, classifier: AttributeClassifier, evaluation: Evaluation) -> AggregateScore | None:
        """The classifier's balanced accuracy for the target; None where it cannot be told, which is logged. Computed once for
        these data and target."""
        data, target = evaluation.data, evaluation.target
        key = (data.key, *sorted(target.items()))
        if key not in self._accuracy_of:
            value, tested = classifier.balanced_accuracy(data, target), len(data.rows("test", None))
            self._accuracy_of[key] = None if value is None else AggregateScore(value, tested, unit="share")
            if value is None:
                known = "all" if tested and data.satisfies(target)[data.rows("test", None)].all() else "none"
                log.warning(
                    "the accuracy of the attribute classifier cannot be told: %s of the %d test images have the target",
                    known,
                    tested,
                )
        return self._accuracy_of[key]


def determined(data: DatasetView, target: Mapping[str, bool]) -> Sequence[str]:
    """Labels that the target attributes determine, or nearly so, in the training split.

    The target determines a label when both hold for one of its values: less than 2% of the images with the target have the
    value, and less than 2% of the images with the value have the target (counted as if half of all images had the target).
    Examples: the other classes of a data set with a folder for each class; "Goatee" for the target "Male = false".
    A label that is rare everywhere is not determined. Neither is a label that fewer than ten images with the target would
    have if the target had no influence on it, since its absence may be chance.

    Args:
        data: The opened data set.
        target: The attributes that results should have.

    Returns:
        Names of labels, in the data set's order.
    """
    rows = data.rows("train", None)
    has_target = data.satisfies(target)[rows]
    if has_target.all() or not has_target.any():
        return []
    names = []
    for name, labels in data.records.attributes.items():
        if name in target:
            continue
        for value in (True, False):
            has_value = labels[rows] == value
            inside, outside = float(has_value[has_target].mean()), float(has_value[~has_target].mean())
            expected = outside * int(np.count_nonzero(has_target))
            if expected >= EXPECTED and inside < RARE and inside < RARE * (inside + outside):
                names.append(name)
                break
    return names
