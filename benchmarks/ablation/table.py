"""Means with 95% intervals over people and seeds, as Markdown and as a page with images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t as student

from attrxfer.evaluation.seeds import interval
from attrxfer.report.curves import chart
from attrxfer.report.pages import render, side_by_side
from attrxfer.report.score_text import shown

CLASSIFIER = "balanced accuracy of the attribute classifier"
SHARES = (
    *("attribute accuracy", "other attributes kept", "closer to truth"),
    *("verification rate", "same person", "nearest is its own input"),
)
Runs = Mapping[tuple[str, str], Sequence[tuple[dict[str, Any], Path]]]
"""(task, variant) -> (ablation.json, run folder) of each seed."""


def rows(task: str, runs: Runs) -> list[list[str]]:
    """A header and a row for each reference and variant of a task."""
    own = {variant: found for (of, variant), found in runs.items() if of == task}
    first = next(iter(own.values()))[0][0]
    names = [name for name in first["scores"] if name != CLASSIFIER]
    lines = [["", *names, "iterations", "minutes", "of which Algorithm 1", "seeds"]]
    for reference, found in first["references"].items():
        cells = [_cell([found.get(name)], [first["people"]], name) for name in names]
        lines.append([reference, *cells, *[""] * 4])
    for variant, found in own.items():
        people = [scores["people"] for scores, _ in found]
        cells = [_cell([scores["scores"].get(name) for scores, _ in found], people, name) for name in names]
        total = np.mean([sum(_seconds(scores, runs).values()) for scores, _ in found]) / 60
        adversarial = np.mean([scores["seconds"].get("adversarial", 0) for scores, _ in found]) / 60
        lines.append([variant, *cells, str(found[0][0]["steps"]), f"{total:.1f}", f"{adversarial:.1f}", str(len(found))])
    return lines


def _cell(found: Sequence[Any], people: Sequence[Sequence[int]], name: str) -> str:
    """One score of all seeds: of its images where it has numbers for them; else the mean over seeds, with the interval
    that the seeds give, or the score's own where there is one seed."""
    if any(each is None for each in found):
        return ""
    if isinstance(found[0], list):
        mean, low, high = interval(found, people)
        unit = "share" if name in SHARES else ""
    else:
        values = np.array([each["value"] for each in found], float)
        mean, unit = float(values.mean()), found[0]["unit"]
        if len(values) > 1:
            reach = float(student.ppf(0.975, len(values) - 1) * values.std(ddof=1) / len(values) ** 0.5)
            low, high = mean - reach, mean + reach
        elif "low" in found[0]:
            low, high = found[0]["low"], found[0]["high"]
        else:
            return shown({"value": mean, "unit": unit})[0]
    value, bounds = shown({"value": mean, "low": low, "high": high, "unit": unit})
    return f"{value} ({bounds})"


def _seconds(scores: Mapping[str, Any], runs: Runs) -> dict[str, float]:
    """Seconds by stage; a stage whose result another run left in the cache takes what that run took."""
    known = [other["seconds"] for found in runs.values() for other, _ in found]
    longest = {stage: max(seconds.get(stage, 0.0) for seconds in known) for stage in scores["stages"]}
    return {stage: scores["seconds"].get(stage, longest[stage]) for stage in scores["stages"]}


def markdown(tasks: Sequence[str], runs: Runs, title: str) -> str:
    """All tables; intervals that overlap are no difference."""
    parts = [f"# {title}\n\nMean and 95% interval (bootstrap over people, and over seeds where there are several).\n"]
    for task in tasks:
        lines = rows(task, runs)
        head = [lines[0], ["---"] * len(lines[0])]
        accuracy = next(found[0][0] for (of, _), found in runs.items() if of == task)["scores"][CLASSIFIER]["value"]
        parts.append(f"\n## {task}\n\nThe attribute classifier's own accuracy on real test images: {accuracy:.1%}.\n\n")
        parts.append("\n".join("| " + " | ".join(line) + " |" for line in [*head, *lines[1:]]) + "\n")
    return "".join(parts)


def page(tasks: Sequence[str], runs: Runs, title: str) -> str:
    """The same as HTML, with images side by side and attribute accuracy against training time."""
    shown_tasks = []
    for task in tasks:
        series = {
            variant: [(point["seconds"] / 60, point["attribute accuracy"]) for point in found[0][0]["curve"]]
            for (of, variant), found in runs.items()
            if of == task
        }
        shown_tasks.append(
            {"name": task, "rows": rows(task, runs), "images": list(_images(task, runs)), "chart": chart(series, "minutes")}
        )
    return render("page.html.j2", Path(__file__).parent, title=title, tasks=shown_tasks)


def _images(task: str, runs: Runs) -> Iterator[tuple[str, str]]:
    truth: tuple[str, str] | None = None
    own = [(variant, found) for (of, variant), found in runs.items() if of == task]
    for number, (variant, found) in enumerate(own):
        with np.load(found[0][1] / "shown.npz", allow_pickle=False) as images:
            if not number:
                yield "source", side_by_side(images["source"])
            yield variant, side_by_side(images["result"])
            truth = ("truth", side_by_side(images["truth"])) if "truth" in images else None
    if truth is not None:
        yield truth
