"""Scores as CSV and LaTeX."""

from __future__ import annotations

import csv
import io
from typing import Any

from attrxfer.report.tables import comma_separated, latex

SCORES: dict[str, dict[str, dict[str, Any]]] = {
    "a_b": {"accuracy": {"value": 0.9, "low": 0.8, "high": 0.95, "n": 9, "unit": "share", "better": "higher"}},
    "c": {"accuracy": {"value": 0.7, "n": 9, "unit": "share", "better": "higher"}},
    "truth, exact": {"accuracy": {"value": 1.0, "n": 9, "unit": "share", "better": "higher"}},
    "d": {"KID": {"value": None, "n": 0, "unit": "", "better": "lower"}},
}


def test_csv_has_a_line_a_score_with_numbers_in_full() -> None:
    rows = list(csv.DictReader(io.StringIO(comma_separated(SCORES))))
    assert rows[0] == {
        **{"candidate": "a_b", "score": "accuracy", "value": "0.9", "low": "0.8", "high": "0.95"},
        **{"n": "9", "unit": "share", "better": "higher"},
    }
    assert [row["candidate"] for row in rows] == list(SCORES) and rows[1]["low"] == "" and rows[3]["value"] == ""


def test_latex_marks_the_best_of_the_candidates_and_not_a_reference_row() -> None:
    text = latex(SCORES, own=["a_b", "c", "d"])
    assert r" & a\_b & c & truth, exact & d \\" in text
    assert r"accuracy $\uparrow$ & \textbf{90.0\%} {\scriptsize 80--95\%} & 70.0\% & 100.0\% &  \\" in text
    assert r"KID $\downarrow$ &  &  &  & -- \\" in text
    assert "textbf" not in latex(SCORES, own=["a_b"])
