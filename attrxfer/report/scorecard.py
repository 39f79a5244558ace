"""Scorecards as Markdown, as a table for the report, and as a page of their own."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attrxfer.evaluation.matched_identity import MATCHED
from attrxfer.evaluation.scores import HeldOutResults, Scorecard, labels
from attrxfer.interfaces import Role
from attrxfer.media.images import data_uri
from attrxfer.report.curves import chart
from attrxfer.report.markdown import table as markdown_table

STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:1200px;margin:32px auto;padding:0 20px;color:#1c2330;background:#fff}"
    "h1{font-size:28px;letter-spacing:-.02em;margin:0}h2{font-size:18px;margin:36px 0 8px}p,.soft{color:#667085}"
    "table{border-collapse:collapse;display:block;overflow-x:auto}th,td{padding:5px 14px 5px 0;text-align:left;"
    "border-bottom:1px solid #e4e7ec;white-space:nowrap;font-weight:400}th{color:#667085}td b{font-weight:600}"
    "td span{color:#667085;font-size:12px;margin-left:6px}tr.own td,tr.own th{background:#eff4ff}"
    ".row{display:grid;grid-template-columns:150px 1fr;gap:12px;align-items:center;margin-bottom:4px}"
    ".row span{color:#667085;text-align:right;overflow-wrap:anywhere}img{width:100%;border-radius:6px;display:block}"
    "svg{width:100%;max-width:620px}svg polyline{stroke-width:1.5}svg .axis{stroke:#e4e7ec}"
    "svg text{fill:#667085;font-size:11px}.legend{display:flex;gap:4px 14px;flex-wrap:wrap;font-size:12px}"
    ".legend i{display:inline-block;width:10px;height:10px;border-radius:3px;margin-right:5px}"
)
ORDER: tuple[Role, ...] = ("truth", "identity similarity", "unchanged")
"""What results are sorted by to find the best, middle and worst: the first score of these roles that has a number for each
image and is not a share."""
EXPLAINED = (
    "Equal verification: at the strength at which results are verified as often as another real image of the same person; "
    "chosen on validation inputs, measured here on test inputs."
)
SHOWN = 4
BINS = 24
Scores = Mapping[str, Mapping[str, Mapping[str, Any]]]


def shown(score: Mapping[str, Any]) -> tuple[str, str]:
    """A score's value and its interval as people read them; "–" for none.

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


def names(scorecards: Scores) -> list[str]:
    """Every score's name that a scorecard has, in the first's order."""
    return list(dict.fromkeys(name for scores in scorecards.values() for name in scores))


def markdown(scorecards: Scores) -> str:
    """A row a candidate, with intervals."""
    columns = names(scorecards)
    rows = []
    for candidate, scores in scorecards.items():
        cells = [shown(scores[name]) if name in scores else ("", "") for name in columns]
        rows.append([candidate, *(f"{value} ({bounds})" if bounds else value for value, bounds in cells)])
    return markdown_table(["", *columns], rows) + "\n"


def table(scorecards: Scores, own: Sequence[str] = ()) -> str:
    """The same as HTML, a row a score and a column a candidate; ``own`` are set off from the reference rows."""
    head = "".join(f"<th>{'<b>' if name in own else ''}{html.escape(name)}</th>" for name in scorecards)
    rows = []
    for name in names(scorecards):
        cells = [shown(scores[name]) if name in scores else ("", "") for scores in scorecards.values()]
        better = next(scores[name]["better"] for scores in scorecards.values() if name in scores)
        arrow = {"higher": " ↑", "lower": " ↓", "": ""}[better]
        found = "".join(f"<td><b>{html.escape(value)}</b><span>{html.escape(bounds)}</span></td>" for value, bounds in cells)
        rows.append(f"<tr><th>{html.escape(name)}{arrow}</th>{found}</tr>")
    return f"<table><tr><th></th>{head}</tr>{''.join(rows)}</table>"


def page(
    title: str,
    results: Sequence[tuple[Scorecard, HeldOutResults]],
    own: Sequence[str],
    slices: Mapping[str, Scores],
    curves: Mapping[str, Sequence[Mapping[str, float]]],
) -> str:
    """One self-contained page.

    Args:
        title: Its heading.
        results: Scorecards and the results behind them.
        own: Names of the candidates; the others are reference rows.
        slices: {candidate: {slice: scores}}.
        curves: {candidate: [{"strength": s, label: mean, ...}]}.
    """
    scorecards = {scorecard.name: scorecard.scores for scorecard, _ in results}
    given = results[0][1]
    parts = [f"<!doctype html><html lang=en><meta charset=utf-8><title>{html.escape(title)}</title><style>{STYLE}</style>"]
    people = len(np.unique(given.people))
    parts.append(f"<h1>{html.escape(title)}</h1><p>{len(given.rows)} held-out images of {people} people; ")
    parts.append("means with 95% bootstrap intervals over people. ↑ more is better, ↓ less is better.</p>")
    parts.append(table(scorecards, own))
    if any(labels(scores, MATCHED) for scores in scorecards.values()):
        parts.append(f"<p>{EXPLAINED}</p>")
    for scorecard, _ in results:
        if scorecard.name in own:
            parts += _extremes(scorecard, results)
    parts += _histograms([scorecard for scorecard, _ in results])
    parts += _strengths(curves)
    for candidate, found in slices.items():
        if found:
            parts.append(f"<h2>{html.escape(candidate)}: by other attributes</h2>{table(found)}")
    return "\n".join(parts)


def _measure(scorecard: Scorecard) -> str | None:
    """The label that results are sorted by; None where no score fits."""
    for role in ORDER:
        for label in labels(scorecard.scores, role):
            numbers = scorecard.per_image.get(label)
            if numbers is not None and scorecard.scores[label]["unit"] != "share" and np.isfinite(numbers).any():
                return label
    return None


def _extremes(scorecard: Scorecard, results: Sequence[tuple[Scorecard, HeldOutResults]]) -> Iterator[str]:
    """The best, middle and worst results of a scorecard by the first measure of ``ORDER``, beside the others' for them."""
    measure = _measure(scorecard)
    if measure is None:
        return
    values = scorecard.per_image[measure] * (-1 if scorecard.scores[measure]["better"] == "lower" else 1)
    order = np.argsort(-np.where(np.isfinite(values), values, -np.inf), kind="stable")
    order = order[: int(np.isfinite(values).sum())]
    middle = max(0, len(order) // 2 - SHOWN // 2)
    given = results[0][1]
    for label, chosen in (
        ("Best", order[:SHOWN]),
        ("In the middle", order[middle : middle + SHOWN]),
        ("Worst", order[-SHOWN:]),
    ):
        yield f"<h2>{html.escape(scorecard.name)}: {label.lower()} by {html.escape(measure)}</h2>"
        yield strip("source", given.sources[chosen])
        yield from (strip(other.name, other.outputs[chosen]) for other, _ in results if other.name != "input_copy")


def strip(label: str, images: NDArray[np.uint8]) -> str:
    """Images (N, S, S, 3) side by side behind their label, as HTML."""
    image = f'<img alt="{html.escape(label)}" src="{data_uri(np.concatenate(list(images), axis=1))}">'
    return f'<div class="row"><span>{html.escape(label)}</span>{image}</div>'


def _histograms(scorecards: Sequence[Scorecard]) -> Iterator[str]:
    """How many images have which value of the measure that results are sorted by, a line a candidate."""
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
        yield f"<h2>Images by {html.escape(measure)}</h2>{chart(series, measure)}"


def _strengths(curves: Mapping[str, Sequence[Mapping[str, float]]]) -> Iterator[str]:
    for candidate, points in curves.items():
        labels = dict.fromkeys(name for point in points for name in point if name != "strength")
        if labels:
            series = {name: [(point["strength"], point[name]) for point in points if name in point] for name in labels}
            yield f"<h2>{html.escape(candidate)}: by strength</h2>{chart(series, 'strength')}"
