"""Attribute accuracy, and whether the other attributes stayed, by an attribute classifier."""

from __future__ import annotations

import functools
import logging
from collections.abc import Mapping, Sequence

import numpy as np

from attrxfer.interfaces import AggregateScore, DatasetView, Evaluation, PerImageScore
from attrxfer_metrics.classifier import AttributeClassifier, UsesClassifier

RARE = 0.02
"""A label value that is determined by the target is found in less than this share of the images with the target, and less
than this share of the images with the value (at equal numbers with and without the target) have the target."""
EXPECTED = 10
"""At least this many images with the target would have the value if it were as frequent as without the target."""
log = logging.getLogger("attrxfer")


class AttributeAccuracy(UsesClassifier):
    """Share of results that an attribute classifier sees as having the target attributes, and the share of their other
    attributes that it sees as in the input. The classifier's own accuracy on real test images stands beside them.

    Labels that the target determines in the training split are left out of the other attributes (``determined``): a result
    cannot have the target and keep them.

    Args:
        network: A timm architecture.
        steps: Training steps of the classifier.
        batch_size: Images a training step.
        lr: Highest learning rate of its one-cycle schedule (AdamW).
    """

    def __call__(self, evaluation: Evaluation) -> Mapping[str, PerImageScore | AggregateScore]:
        """Score results.

        Returns:
            "attribute accuracy", "other attributes kept" (absent where no other attribute is left) and "accuracy of the
            attribute classifier", all in 0..1.
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
        scores["accuracy of the attribute classifier"] = self._own_accuracy(classifier, evaluation)
        return scores

    @functools.cached_property
    def _accuracies(self) -> dict[tuple[str, ...], AggregateScore]:
        return {}

    @functools.cached_property
    def _determined(self) -> dict[tuple[object, ...], tuple[str, ...]]:
        return {}

    def _left_out(self, data: DatasetView, target: Mapping[str, bool]) -> tuple[str, ...]:
        """Determined once, and logged once, for all candidates that are scored on these data."""
        key = (data.key, *sorted(target.items()))
        if key not in self._determined:
            self._determined[key] = tuple(determined(data, target))
            if self._determined[key]:
                names = ", ".join(self._determined[key])
                log.warning("other attributes kept: without %s, which the target determines in the training split", names)
        return self._determined[key]

    def _own_accuracy(self, classifier: AttributeClassifier, evaluation: Evaluation) -> AggregateScore:
        """Measured once for all candidates that are scored on these data."""
        key = (evaluation.data.key, *sorted(evaluation.target))
        if key not in self._accuracies:
            value = classifier.accuracy(evaluation.data, evaluation.target)
            self._accuracies[key] = AggregateScore(value, len(evaluation.data.rows("test", None)), unit="share")
        return self._accuracies[key]


def determined(data: DatasetView, target: Mapping[str, bool]) -> Sequence[str]:
    """Labels that the training split shows to be (nearly) determined by the target attributes.

    A label is determined when, in the training split, one of its values is found in less than 2% of the images with the
    target, and the reverse: of images with that value, drawn equally often with and without the target, less than 2% have
    the target. Examples: the other classes of a data set with a folder for each class; "Goatee" for the target
    "Male = false". A label that is rare everywhere is not determined; a label of which fewer than ten images with the
    target would be expected is not either, since its absence may be chance.

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
