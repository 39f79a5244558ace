"""Scores as text. This module does not import torch, so that commands that only print scores start fast."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrxfer.interfaces import MATCHED

Scores = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""{candidate: {label: score}}."""


def shown(score: Mapping[str, Any]) -> tuple[str, str]:
    """A score's value and its interval as text; "–" for None.

    >>> shown({"value": 0.905, "low": 0.85, "high": 0.95, "n": 200, "unit": "share"})
    ('90.5%', '85 to 95%')
    >>> shown({"value": 21.04, "n": 200, "unit": "dB"})
    ('21.0 dB', '')
    """
    value, unit = score["value"], score["unit"]
    if value is None:
        return "–", ""
    if unit == "share":
        return f"{value:.1%}", f"{100 * score['low']:.0f} to {100 * score['high']:.0f}%" if "low" in score else ""
    digits = 1 if unit == "dB" else 3 if abs(value) < 1 else 2 if abs(value) < 100 else 0
    bounds = f"{score['low']:.{digits}f} to {score['high']:.{digits}f}" if "low" in score else ""
    return f"{value:.{digits}f} {unit}".rstrip(), bounds


def cell(score: Mapping[str, Any] | None) -> str:
    """A score as one text; "" for None.

    >>> cell({"value": 0.905, "low": 0.85, "high": 0.95, "n": 200, "unit": "share"})
    '90.5% (85 to 95%)'
    """
    if score is None:
        return ""
    value, bounds = shown(score)
    return f"{value} ({bounds})" if bounds else value


def names(scorecards: Scores) -> list[str]:
    """The labels of all scores in these scorecards: accuracy at equal verification, then the others as they first occur."""
    roles = {name: score.get("role") for scores in scorecards.values() for name, score in scores.items()}
    return sorted(roles, key=lambda name: roles[name] != MATCHED)
