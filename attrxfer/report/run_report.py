"""report.html, a self-contained page about a run."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrxfer.evaluation.scores import labels
from attrxfer.interfaces import ACCURACY, MATCHED, Role
from attrxfer.recipe import Recipe, differences
from attrxfer.recipe import shown as setting
from attrxfer.report.curves import curves
from attrxfer.report.markdown import conditions
from attrxfer.report.pages import render
from attrxfer.report.score_text import shown
from attrxfer.report.scorecard import score_table
from attrxfer.storage.files import read_json, write_text
from attrxfer.storage.run_folder import RunFolder

SHOWN_GRIDS = 8
"""Rows of sample images over time, at most."""
LARGE: tuple[Role, ...] = (MATCHED, ACCURACY, "verification rate", "truth", "realism")
"""Roles of the scores that are shown large: of each, the first score that is a share and the first other score."""


def write_report(folder: RunFolder, recipe: Recipe, reference: Mapping[str, Any] | None = None) -> None:
    """Write report.html from the files in a run's folder. It can be written again at any time.

    Args:
        folder: The run's folder.
        recipe: The run's recipe.
        reference: The filled recipe that ``recipe.reference`` names; None if there is none.
    """
    info = folder.read_info()
    scores = read_json(folder.scores) if folder.scores.is_file() else {}
    guided = conditions(recipe.task.guided)
    last, over_time = _grid(folder)
    page = render(
        "run.html.j2",
        title=recipe.task.name,
        subtitle=f"{guided} · {recipe.train.size} px · trained on {recipe.data.name}",
        symptoms=info.get("symptoms", []),
        large=_large_numbers(scores),
        table=score_table(scores["scores"], list(scores["scores"])[:1]) if scores else None,
        last=last,
        over_time=over_time,
        curves=list(curves(list(folder.read_metrics()))),
        timing=_timing(folder),
        data=str(info.get("data", "")),
        environment=_environment(info),
        reference=str(recipe.reference) if reference is not None else "",
        differences=_differences(recipe, reference) if reference is not None else [],
        recipe=folder.recipe.read_text(encoding="utf-8-sig"),
        resume=folder.resume_command,
        bundle=str(folder.bundle),
    )
    write_text(folder.report, page)


def _differences(recipe: Recipe, reference: Mapping[str, Any]) -> list[tuple[str, str]]:
    changed = differences(recipe.filled(), reference)
    return [(key, f"{setting(here)} (there: {setting(there)})") for key, here, there in changed]


def _large_numbers(scores: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The scores that matter most, as (value, label), then the counts of images and people; none where nothing was scored."""
    if not scores:
        return []
    own = next(iter(scores["scores"].values()))
    counts = [(str(scores["images"]), "images"), (str(scores["people"]), "people")]
    return [(shown(own[label])[0], label) for label in _large(own)] + counts


def _large(scores: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Labels of the scores that are shown large."""
    chosen: dict[tuple[Role, bool], str] = {}
    for role in LARGE:
        for label in labels(scores, role):
            chosen.setdefault((role, scores[label]["unit"] == "share"), label)
    return list(chosen.values())


def _grid(folder: RunFolder) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Labels and data URIs of source, last result and truth, and of the results over time; both empty without samples."""
    strips = sorted(path for path in folder.samples.glob("*.png") if path.stem[0].isdigit())
    if not strips:
        return [], []
    last = [(label, folder.samples / f"{label}.png") for label in ("source", "result", "truth")]
    over_time = [(_moment(path), path) for path in _over_time(strips)]
    return [(label, _embed(path)) for label, path in last if path.is_file()], [
        (label, _embed(path)) for label, path in over_time
    ]


def _over_time(strips: Sequence[Path]) -> list[Path]:
    """The last row of samples of each stage; of the stage with the most rows, several, evenly spread."""
    stages: dict[str, list[Path]] = {}
    for strip in strips:
        stages.setdefault(strip.stem.rpartition("-")[0], []).append(strip)
    most = max(stages.values(), key=len)
    return [strip for own in stages.values() for strip in _spread(own, SHOWN_GRIDS if own is most else 1)]


def _spread(items: Sequence[Path], count: int) -> list[Path]:
    """At most ``count`` items, evenly spread, the last one included."""
    if len(items) <= count:
        return list(items)
    if count == 1:
        return [items[-1]]
    return [items[round(i * (len(items) - 1) / (count - 1))] for i in range(count)]


def _moment(path: Path) -> str:
    stage, _, step = path.stem.partition("-")[2].rpartition("-")
    return f"{stage} {int(step)}"


def _embed(path: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()


def _timing(folder: RunFolder) -> list[tuple[str, str]]:
    """Seconds of each stage, summed over resumed parts of the run."""
    steps: dict[str, list[float]] = {}
    for line in folder.read_metrics():
        steps.setdefault(line["stage"], []).append(line["seconds"])
    rows = []
    for stage, own in steps.items():
        rows.append((stage, f"{sum(own):.1f} s · {len(own)} steps · {sum(own) / len(own) * 1000:.0f} ms a step"))
    return rows


def _environment(info: Mapping[str, Any]) -> list[tuple[str, str]]:
    environment = info.get("environment", {})
    versions = environment.get("versions", {})
    rows = [(name, str(value)) for name, value in environment.items() if name != "versions"]
    rows += [(f"set: {name}", str(count)) for name, count in info.get("sets", {}).items()]
    return [*rows, *((name, str(version)) for name, version in versions.items())]
