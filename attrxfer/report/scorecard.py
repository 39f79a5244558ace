"""Scorecards as Markdown, as a table of the report, and as a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from attrxfer.evaluation.scores import HeldOutResults, Scorecard, labels
from attrxfer.interfaces import MATCHED, Role
from attrxfer.report.curves import chart
from attrxfer.report.markdown import table as markdown_table
from attrxfer.report.pages import render, side_by_side
from attrxfer.report.score_text import Scores, cell, names, shown

ORDER: tuple[Role, ...] = ("truth", "identity similarity", "unchanged")
"""Results are sorted, for best, middle and worst, by the first score of these roles that has values for each image and is
not a share."""
EXPLAINED = (
    "Equal verification: measured on test inputs, at the strength at which results are verified as often as another real "
    "image of the same person. The strength is chosen on validation inputs."
)
SHOWN = 4
BINS = 24


def markdown(scorecards: Scores) -> str:
    """A Markdown table with a row for each candidate; scores have their intervals."""
    columns = names(scorecards)
    rows = [[candidate, *(cell(scores.get(name)) for name in columns)] for candidate, scores in scorecards.items()]
    return markdown_table(["", *columns], rows) + "\n"


@dataclass(frozen=True)
class ScoreTable:
    """A table of scores for a page: a row for each score, a column for each candidate.

    Attributes:
        head: Each candidate's name, and whether it is set off from the reference rows.
        rows: Each score's label, with an arrow in the better direction, and (value, bounds) of each candidate.
    """

    head: list[tuple[str, bool]]
    rows: list[tuple[str, list[tuple[str, str]]]]


def score_table(scorecards: Scores, own: Sequence[str] = ()) -> ScoreTable:
    """Scorecards as a table; the candidates ``own`` are set off from the reference rows."""
    rows = []
    for label in names(scorecards):
        cells = [shown(scores[label]) if label in scores else ("", "") for scores in scorecards.values()]
        better = next(scores[label]["better"] for scores in scorecards.values() if label in scores)
        rows.append((label + {"higher": " ↑", "lower": " ↓", "": ""}[better], cells))
    return ScoreTable([(name, name in own) for name in scorecards], rows)


def page(
    title: str,
    results: Sequence[tuple[Scorecard, HeldOutResults]],
    own: Sequence[str],
    slices: Mapping[str, Scores],
    curves: Mapping[str, Sequence[Mapping[str, float]]],
) -> str:
    """A self-contained page of scorecards.

    Args:
        title: Its heading.
        results: Scorecards and the results behind them.
        own: Names of the candidates; the others are reference rows.
        slices: {candidate: {slice: scores}}.
        curves: {candidate: [{"strength": s, label: mean, ...}]}.
    """
    scorecards = {scorecard.name: scorecard.scores for scorecard, _ in results}
    held = results[0][1]
    return render(
        "scorecard.html.j2",
        title=title,
        images=len(held.rows),
        people=len(np.unique(held.people)),
        table=score_table(scorecards, own),
        explained=EXPLAINED if any(labels(scores, MATCHED) for scores in scorecards.values()) else "",
        extremes=[part for scorecard, _ in results if scorecard.name in own for part in _extremes(scorecard, results)],
        charts=[*_histograms([scorecard for scorecard, _ in results]), *_strengths(curves)],
        slices=[(f"{name}: by other attributes", score_table(parts)) for name, parts in slices.items() if parts],
    )


def _measure(scorecard: Scorecard) -> str | None:
    """The label that results are sorted by; None where no score fits."""
    for role in ORDER:
        for label in labels(scorecard.scores, role):
            numbers = scorecard.per_image.get(label)
            if numbers is not None and scorecard.scores[label]["unit"] != "share" and np.isfinite(numbers).any():
                return label
    return None


def _extremes(
    scorecard: Scorecard, results: Sequence[tuple[Scorecard, HeldOutResults]]
) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The best, middle and worst results of a candidate, beside the results of other candidates for the same inputs."""
    measure = _measure(scorecard)
    if measure is None:
        return
    values = scorecard.per_image[measure] * (-1 if scorecard.scores[measure]["better"] == "lower" else 1)
    order = np.argsort(-np.where(np.isfinite(values), values, -np.inf), kind="stable")
    order = order[: int(np.isfinite(values).sum())]
    middle = max(0, len(order) // 2 - SHOWN // 2)
    sources = results[0][1].sources
    for place, rows in (
        ("best", order[:SHOWN]),
        ("in the middle", order[middle : middle + SHOWN]),
        ("worst", order[-SHOWN:]),
    ):
        others = [(other.name, side_by_side(other.outputs[rows])) for other, _ in results if other.name != "input_copy"]
        yield f"{scorecard.name}: {place} by {measure}", [("source", side_by_side(sources[rows])), *others]


def _histograms(scorecards: Sequence[Scorecard]) -> Iterator[tuple[str, Markup]]:
    """A histogram of the score that results are sorted by, with a line for each candidate."""
    measure = _measure(scorecards[0])
    if measure is None:
        return
    own = {
        scorecard.name: scorecard.per_image[measure][np.isfinite(scorecard.per_image[measure])]
        for scorecard in scorecards
        if measure in scorecard.per_image
    }
    own = {name: values for name, values in own.items() if len(values) and np.ptp(values) > 0}
    if own:
        edges = np.histogram_bin_edges(np.concatenate(list(own.values())), BINS)
        centres = (edges[1:] + edges[:-1]) / 2
        series = {name: list(zip(centres, np.histogram(values, edges)[0], strict=True)) for name, values in own.items()}
        yield f"Images by {measure}", chart(series, measure)


def _strengths(curves: Mapping[str, Sequence[Mapping[str, float]]]) -> Iterator[tuple[str, Markup]]:
    for candidate, points in curves.items():
        labels = dict.fromkeys(name for point in points for name in point if name != "strength")
        if labels:
            series = {name: [(point["strength"], point[name]) for point in points if name in point] for name in labels}
            yield f"{candidate}: by strength", chart(series, "strength")
