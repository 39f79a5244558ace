"""The response of attribute accuracy to strength, measured on the validation inputs."""

from __future__ import annotations

from attrxfer.evaluation.scores import HeldOutInputs, Scorecard, score
from attrxfer.interfaces import ACCURACY, Model
from attrxfer.model.calling import at_any_strength
from attrxfer.model.response import Response

STRENGTHS = (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1)


def response(model: Model, scorecard: Scorecard, validation: HeldOutInputs) -> Response | None:
    """Attribute accuracy of a model's results at strengths from 0 to 1.

    Args:
        model: The model.
        scorecard: Its scorecard: the metric with the role "attribute accuracy" is used.
        validation: The inputs.

    Returns:
        None where the scorecard has no attribute accuracy, or where it is unknown at a strength.
    """
    label = scorecard.label(ACCURACY)
    if label is None:
        return None
    at = at_any_strength(model, validation.sources)
    shares = []
    for strength in STRENGTHS:
        measured = score("", validation.results(at(strength), model), [scorecard.metrics[label]]).scores[label]["value"]
        if measured is None:
            return None
        shares.append(float(measured))
    return Response(STRENGTHS, tuple(shares))
