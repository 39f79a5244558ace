"""Curves and pages of what little there is."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from attrxfer.evaluation.scores import Scorecard
from attrxfer.interfaces import ACCURACY, MATCHED
from attrxfer.report.curves import curves
from attrxfer.report.run_report import _large_numbers
from attrxfer.report.score_text import names
from attrxfer.report.scorecard import page


def test_rare_peaks_do_not_flatten_the_curves() -> None:
    lines = [{"stage": "a", "step": i, "seconds": 1, "loss": 900.0 if i == 3 else 1 + i / 100} for i in range(100)]
    (figure,) = curves(lines)
    assert "900" not in figure and ">2.9" in figure


def test_shares_of_the_gradient_have_a_figure_of_their_own() -> None:
    lines = [{"stage": "a", "step": i, "seconds": 1, "T x": 1.0, **({"share x": 0.5} if i % 5 == 0 else {})} for i in range(12)]
    losses, shares = curves(lines)
    assert "share x" not in losses and "share x" in shares and "T x" not in shares and "share of the gradient" in shares


def test_a_page_of_results_without_any_measure_is_still_a_page() -> None:
    given: Any = SimpleNamespace(rows=np.arange(1), people=np.arange(1), sources=np.zeros((1, 8, 8, 3), np.uint8))
    card = Scorecard("me", given.sources, {}, {})
    assert "1 held-out images" in page("title", [(card, given)], ["me"], {}, {})


def _share(value: float, role: str) -> dict[str, Any]:
    return {"value": value, "n": 4, "unit": "share", "better": "higher", "role": role}


def test_accuracy_at_equal_verification_stands_first_whoever_is_named_first() -> None:
    folder = {"has it": _share(0.5, ACCURACY), "verified": _share(0.75, "verification rate")}
    model = {"matched": _share(0.25, MATCHED), "strength": _share(1.0, ""), **folder}
    assert names({"folder": folder, "model": model}) == ["matched", "has it", "verified", "strength"]
    assert names({"model": model, "folder": folder}) == ["matched", "strength", "has it", "verified"]


def test_large_numbers_begin_with_the_scores_and_end_with_the_counts() -> None:
    own = {"has it": _share(0.5, ACCURACY), "matched": _share(0.25, MATCHED)}
    assert _large_numbers({"images": 4, "people": 2, "scores": {"result": own}}) == [
        ("25.0%", "matched"),
        ("50.0%", "has it"),
        ("4", "images"),
        ("2", "people"),
    ]
