"""report.html: one self-contained page that shows what a run did."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any

from attrxfer.evaluation.matched_identity import MATCHED
from attrxfer.evaluation.scores import labels
from attrxfer.interfaces import Role
from attrxfer.recipe import Recipe, differences
from attrxfer.recipe import shown as setting
from attrxfer.report.curves import curves
from attrxfer.report.markdown import conditions
from attrxfer.report.scorecard import shown, table
from attrxfer.storage.files import write_text
from attrxfer.storage.run_folder import RunFolder

TEMPLATE = Path(__file__).with_name("page.html")
SHOWN_GRIDS = 8
LARGE: tuple[Role, ...] = (MATCHED, "attribute accuracy", "verification rate", "truth", "realism")
"""Roles of the scores that are shown large: the first share and the first other score of each, where a run has them."""


def write_report(folder: RunFolder, recipe: Recipe, reference: Mapping[str, Any] | None = None) -> None:
    """Write report.html from what lies in the run's folder: it can be made anew at any time. ``reference``: the filled
    recipe that ``recipe.reference`` names."""
    info = folder.read_info()
    scores = json.loads(folder.scores.read_text()) if folder.scores.is_file() else {}
    guided = conditions(recipe.task.guided)
    page = Template(TEMPLATE.read_text()).substitute(
        title=html.escape(recipe.task.name),
        subtitle=html.escape(f"{guided} · {recipe.train.size} px · trained on {recipe.data.name}"),
        symptoms=_symptoms(info.get("symptoms", [])),
        scores=_scores(scores),
        grid=_grid(folder),
        curves="".join(curves(list(folder.read_metrics()))),
        timing=_table(_timing(folder)),
        data=html.escape(str(info.get("data", ""))),
        environment=_table(_environment(info)),
        differences=_differences(recipe, reference) if reference is not None else "",
        recipe=html.escape(folder.recipe.read_text()),
        resume=html.escape(folder.resume_command),
        bundle=html.escape(str(folder.bundle)),
    )
    write_text(folder.report, page)


def _differences(recipe: Recipe, reference: Mapping[str, Any]) -> str:
    found = differences(recipe.filled(), reference)
    rows = [(key, f"{setting(here)} (there: {setting(there)})") for key, here, there in found]
    return (
        f"<h2>How the recipe differs from {html.escape(str(recipe.reference))}: {len(rows)} settings</h2>"
        f"<section>{_table(rows)}</section>"
    )


def _symptoms(found: Sequence[Mapping[str, Any]]) -> str:
    lines = "".join(
        f"<p><b>{html.escape(one['name'])}</b> in {html.escape(one['stage'])} at step {one['step']}: "
        f"{html.escape(one['figure'])}. {html.escape(one['remedy'])}.</p>"
        for one in found
    )
    return f'<section class="warning">{lines}</section>' if found else ""


def _scores(found: Mapping[str, Any]) -> str:
    """The scores that matter most as large numbers, and all of them in a table beside the reference rows."""
    if not found:
        return "<p>No held-out inputs: nothing was scored.</p>"
    first, own = next(iter(found["scores"].items()))
    cards = [(str(found["images"]), "images"), (str(found["people"]), "people")]
    cards += [(shown(own[label])[0], label) for label in _large(own)]
    large = "".join(
        f'<div class="card"><b>{html.escape(value)}</b><span>{html.escape(name)}</span></div>' for value, name in cards
    )
    rest = f'<section class="scores">{table(found["scores"], [first])}</section>' if own else ""
    return f'<div class="cards">{large}</div>{rest}'


def _large(scores: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Labels of the scores that are shown large."""
    chosen: dict[tuple[Role, bool], str] = {}
    for role in LARGE:
        for label in labels(scores, role):
            chosen.setdefault((role, scores[label]["unit"] == "share"), label)
    return list(chosen.values())


def _grid(folder: RunFolder) -> str:
    """Source, results over time, truth: a row each, the latest result next to the source."""
    strips = sorted(path for path in folder.samples.glob("*.png") if path.stem[0].isdigit())
    if not strips:
        return "<p>No sample images.</p>"
    chosen = _over_time(strips)
    result = folder.samples / "result.png"
    rows = [("source", folder.samples / "source.png"), ("result", result), ("truth", folder.samples / "truth.png")]
    rows = [row for row in rows if row[1].is_file()]
    over_time = [(_moment(path), path) for path in chosen]
    return f'<div class="grid">{_strips(rows)}</div><h3>Over time</h3><div class="grid small">{_strips(over_time)}</div>'


def _over_time(strips: Sequence[Path]) -> list[Path]:
    """The last strip of each stage, and of the stage that drew most several, evenly spread."""
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


def _strips(rows: Iterable[tuple[str, Path]]) -> str:
    return "".join(
        f'<div class="row"><span>{html.escape(label)}</span><img alt="{html.escape(label)}" src="{_embed(path)}"></div>'
        for label, path in rows
    )


def _embed(path: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()


def _timing(folder: RunFolder) -> list[tuple[str, str]]:
    """Seconds a stage, over all sittings of the run."""
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


def _table(rows: Sequence[tuple[str, str]]) -> str:
    cells = "".join(f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>" for name, value in rows)
    return f"<table>{cells}</table>"
