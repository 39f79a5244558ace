"""The headline: how often a transfer succeeds at the strength where its results pass for the person of their input as often
as another real image of that person does.

Success and identity are traded for each other by the strength, so that neither says much alone. The strength is chosen on
inputs of the validation split, and what it gives is measured on the test inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from attrxfer.evaluation.candidates import of_method
from attrxfer.evaluation.scores import HEADLINE, HeldOutInputs, HeldOutResults, Scorecard, score
from attrxfer.interfaces import Metric, Model
from attrxfer.plugin.registry import Registry

SUCCESS, VERIFIED = "success", "verified"
STRENGTHS = (0.5, 0.75, 1.0, 1.25, 1.5)
"""Tried in turn, until fewer results are verified than other images are."""
HALVINGS = 2


@dataclass(frozen=True)
class Yardstick:
    """What a transfer's identity is held against. validation: the inputs on which a strength is chosen. verified: the share
    of other images of their subjects that ``identity`` verifies. success, identity: the metrics."""

    validation: HeldOutInputs
    verified: float
    success: Metric
    identity: Metric

    def at(self, transfer: Model, strength: float) -> float:
        """The share of results at this strength that are verified, among the validation inputs."""
        results = self.validation.results(transfer.images(self.validation.sources, strength), transfer)
        return _share(score("", results, [self.identity]))


def yardstick(validation: HeldOutInputs | None, card: Scorecard, registry: Registry) -> Yardstick | None:
    """None where success or identity cannot be told (``card`` has no such scores), nobody is in two images, or no input is
    left to choose a strength on."""
    if validation is None or not {SUCCESS, VERIFIED} <= card.by.keys():
        return None
    identity = card.by[VERIFIED]
    for component in registry.all("method"):
        found = of_method(component.name, validation, registry) if getattr(component.load(), "same_subject", False) else None
        if found is not None:
            other = score("", validation.results(found.outputs, picked=found.picked), [identity])
            if np.isfinite(other.each[VERIFIED]).any():
                return Yardstick(validation, _share(other), card.by[SUCCESS], identity)
    return None


def with_headlines(
    results: Sequence[tuple[Scorecard, HeldOutResults]],
    given: HeldOutInputs,
    validation: HeldOutInputs | None,
    registry: Registry,
) -> list[tuple[Scorecard, HeldOutResults]]:
    """The scorecards for ``given`` with the headline first among the scores of every transfer, where it can be told."""
    against = yardstick(validation, results[0][0], registry)
    if against is None:
        return list(results)
    return [
        (replace(card, scores={**headline(found.model, given, against), **card.scores}), found)
        if found.model is not None
        else (card, found)
        for card, found in results
    ]


def headline(transfer: Model, given: HeldOutInputs, against: Yardstick) -> dict[str, dict[str, Any]]:
    """Scores of a transfer at equal verification on the test inputs ``given``, as a scorecard has them."""
    strength = chosen(lambda strength: against.at(transfer, strength), against.verified)
    results = given.results(transfer.images(given.sources, strength), transfer)
    found = score("", results, [against.success, against.identity]).scores
    return {
        HEADLINE: found[SUCCESS],
        "verified at equal verification": found[VERIFIED],
        "strength of equal verification": {"value": strength, "n": len(against.validation.rows), "unit": "", "better": ""},
    }


def chosen(verified: Callable[[float], float], wanted: float) -> float:
    """The strength, up to the last of ``STRENGTHS``, at which the share ``verified`` falls below ``wanted``: between the
    strengths around it, which are brought nearer twice, interpolated.

    >>> round(chosen(lambda strength: 1 - 0.5 * strength, 0.7), 3)
    0.6
    >>> chosen(lambda strength: 1.0, 0.9)
    1.5
    """
    low, high = (0.0, 1.0), (0.0, 1.0)  # nothing is changed at strength 0
    for strength in STRENGTHS:
        high = (strength, verified(strength))
        if high[1] < wanted:
            break
        low = high
    else:
        return low[0]
    for _ in range(HALVINGS):
        middle = (low[0] + high[0]) / 2
        told = (middle, verified(middle))
        low, high = (low, told) if told[1] < wanted else (told, high)
    return float(np.interp(wanted, (high[1], low[1]), (high[0], low[0])))


def _share(card: Scorecard) -> float:
    value = card.scores[VERIFIED]["value"]
    return float("nan") if value is None else float(value)
