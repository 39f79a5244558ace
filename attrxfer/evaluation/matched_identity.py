"""Matched identity: attribute accuracy at the strength at which results are verified as the person of their input as often
as another real image of that person is.

A higher strength raises attribute accuracy and lowers the verification rate, so models are compared where their verification
rates are equal. The strength is chosen on the validation inputs; the scores are measured on the test inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from attrxfer.evaluation.candidates import of_method
from attrxfer.evaluation.scores import HeldOutInputs, HeldOutResults, Scorecard, as_json, mean, score
from attrxfer.interfaces import ACCURACY, MATCHED, Metric, Model, PerImageScore, Role, SameSubject
from attrxfer.model.calling import at_any_strength
from attrxfer.plugin.registry import Registry

RATE: Role = "verification rate"
BOTH = "accurate and verified at equal verification"
STRENGTHS = (0.5, 0.75, 1.0, 1.25, 1.5)
"""Tried in this order, until the verification rate of the results is below that of other images."""
HALVINGS = 2


@dataclass(frozen=True)
class MatchedIdentity:
    """What a model's identity is matched with.

    Attributes:
        validation: The inputs on which a strength is chosen.
        verification_rate: Share of other images of their subjects that ``identity`` verifies.
        accuracy: The metric whose scores include one of the role "attribute accuracy".
        identity: The metric whose scores include one of the role "verification rate".
    """

    validation: HeldOutInputs
    verification_rate: float
    accuracy: Metric
    identity: Metric

    def _strength(self, model: Model) -> float:
        """The strength at which the validation inputs' results are verified as often as is wanted."""
        at = at_any_strength(model, self.validation.sources)

        def rate_at(strength: float) -> float:
            return _rate(score("", self.validation.results(at(strength), model), [self.identity]))

        return matched_strength(rate_at, self.verification_rate)

    def scores(self, model: Model, inputs: HeldOutInputs) -> dict[str, dict[str, Any]]:
        """Scores of a model at equal verification on the test inputs, in the form of a scorecard."""
        strength = self._strength(model)
        results = inputs.results(model.images(inputs.sources, strength), model)
        measured = score("", results, list(dict.fromkeys([self.accuracy, self.identity])))
        accuracy, rate = measured.label(ACCURACY), measured.label(RATE)
        if accuracy is None or rate is None:
            return {}
        chosen = {"value": strength, "n": len(self.validation.rows), "unit": "", "better": "", "role": ""}
        found = {
            MATCHED: {**measured.scores[accuracy], "role": MATCHED},
            "verification rate at equal verification": {**measured.scores[rate], "role": ""},
            "strength of equal verification": chosen,
        }
        if accuracy in measured.per_image and rate in measured.per_image:
            both = PerImageScore(measured.per_image[accuracy] * measured.per_image[rate], "share", "higher")
            found[BOTH] = as_json(mean(both, results.people))
        return found


def matched_identity(validation: HeldOutInputs | None, scorecard: Scorecard, registry: Registry) -> MatchedIdentity | None:
    """What models are matched with; None where the scorecard has no attribute accuracy or no verification rate, where no
    subject has two images, or where the validation split has no inputs."""
    if validation is None or not can_be_matched(scorecard):
        return None
    accuracy, rate = scorecard.label(ACCURACY), scorecard.label(RATE)
    assert accuracy is not None and rate is not None
    identity = scorecard.metrics[rate]
    for component in registry.all("method"):
        method = component.load()
        if not isinstance(method, SameSubject) or not method.same_subject:
            continue
        other = of_method(component.name, validation, registry)
        if other is not None:
            reached = _rate(score("", validation.results(other.outputs, picked=other.picked), [identity]))
            if np.isfinite(reached):
                return MatchedIdentity(validation, reached, scorecard.metrics[accuracy], identity)
    return None


def can_be_matched(scorecard: Scorecard) -> bool:
    """Whether a scorecard has both an attribute accuracy and a verification rate."""
    return scorecard.label(ACCURACY) is not None and scorecard.label(RATE) is not None


def add_matched_identity(
    scored: Sequence[tuple[Scorecard, HeldOutResults]],
    inputs: HeldOutInputs,
    validation: HeldOutInputs | None,
    registry: Registry,
) -> list[tuple[Scorecard, HeldOutResults]]:
    """The scorecards with the scores at matched identity first, for every model, where they can be measured."""
    matched = matched_identity(validation, scored[0][0], registry)
    if matched is None:
        return list(scored)
    return [
        (replace(scorecard, scores={**matched.scores(results.model, inputs), **scorecard.scores}), results)
        if results.model is not None
        else (scorecard, results)
        for scorecard, results in scored
    ]


def matched_strength(rate_at: Callable[[float], float], wanted: float) -> float:
    """The strength at which the verification rate falls below ``wanted``, at most the last of ``STRENGTHS``.

    The interval between two of these strengths is halved twice, then interpolated.

    >>> round(matched_strength(lambda strength: 1 - 0.5 * strength, 0.7), 3)
    0.6
    >>> matched_strength(lambda strength: 1.0, 0.9)
    1.5
    """
    low, high = (0.0, 1.0), (0.0, 1.0)  # nothing is changed at strength 0
    for strength in STRENGTHS:
        high = (strength, rate_at(strength))
        if high[1] < wanted:
            break
        low = high
    else:
        return low[0]
    for _ in range(HALVINGS):
        strength = (low[0] + high[0]) / 2
        middle = (strength, rate_at(strength))
        low, high = (low, middle) if middle[1] < wanted else (middle, high)
    return float(np.interp(wanted, (high[1], low[1]), (high[0], low[0])))


def _rate(scorecard: Scorecard) -> float:
    label = scorecard.label(RATE)
    value = None if label is None else scorecard.scores[label]["value"]
    return float("nan") if value is None else float(value)
