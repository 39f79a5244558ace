"""Scores as CSV and as LaTeX."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Mapping
from typing import Any

from attrxfer.report.score_text import Scores, names, shown

COLUMNS = ("candidate", "score", "value", "low", "high", "n", "unit", "better")
LETTERS = {"\\": "textbackslash", "~": "textasciitilde", "^": "textasciicircum", "<": "textless", ">": "textgreater"}
SPECIAL = str.maketrans(
    {letter: f"\\{letter}" for letter in "&%$#_{}"}
    | {letter: f"\\{name}{{}}" for letter, name in LETTERS.items()}
    | {"–": "--"}
)
ARROWS = {"higher": r" $\uparrow$", "lower": r" $\downarrow$"}


def comma_separated(scorecards: Scores) -> str:
    """A line a candidate and score, numbers in full: ``pandas.read_csv(...).pivot(index="candidate", columns="score")``."""
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, extrasaction="ignore", lineterminator="\n")
    table.writeheader()
    for candidate, scores in scorecards.items():
        for label, score in scores.items():
            table.writerow({"candidate": candidate, "score": label, **score})
    return text.getvalue()


def latex(scorecards: Scores, own: Collection[str] = ()) -> str:
    r"""A table for a paper: a row a score, a column a candidate. It needs ``\usepackage{booktabs}``.

    The best value among the candidates ``own`` is bold; where there are no two of them, or the better direction is unknown,
    none is.
    """
    lines = [
        r"% needs \usepackage{booktabs}; the small numbers are 95% intervals",
        rf"\begin{{tabular}}{{l{'r' * len(scorecards)}}}",
        r"\toprule",
        " & ".join(["", *map(escaped, scorecards)]) + r" \\",
        r"\midrule",
    ]
    for label in names(scorecards):
        better = next(scores[label]["better"] for scores in scorecards.values() if label in scores)
        best = _best(label, better, {name: scorecards[name] for name in own if name in scorecards})
        cells = [_cell(scores.get(label), best if name in own else None) for name, scores in scorecards.items()]
        lines.append(" & ".join([escaped(label) + ARROWS.get(better, ""), *cells]) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def escaped(text: str) -> str:
    r"""A text as LaTeX takes it.

    >>> escaped("run_a: 90% (85 to 95%)")
    'run\\_a: 90\\% (85 to 95\\%)'
    """
    return text.translate(SPECIAL)


def _best(label: str, better: str, scorecards: Scores) -> float | None:
    values = [scores[label]["value"] for scores in scorecards.values() if scores.get(label, {}).get("value") is not None]
    if len(values) < 2 or better not in ARROWS:
        return None
    return max(values) if better == "higher" else min(values)


def _cell(score: Mapping[str, Any] | None, best: float | None) -> str:
    if score is None:
        return ""
    value, bounds = shown(score)
    text = escaped(value)
    if best is not None and score["value"] == best:
        text = rf"\textbf{{{text}}}"
    numbers = re.sub(" to ", "--", bounds)
    return f"{text} {{\\scriptsize {escaped(numbers)}}}" if numbers else text
