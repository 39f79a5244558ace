"""python -m benchmarks.speed: everything about speed in one run, ratios first; writes speed.json, speed.md, speed.html."""

from __future__ import annotations

import html
import json
import os
import platform
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

import click
import torch

from attrxfer.plugin import host
from attrxfer.plugin.parameters import missing_for
from attrxfer.report.curves import chart
from attrxfer.storage.files import write_text
from benchmarks.speed import growth, rest, transfer
from benchmarks.speed.figure import Figure
from benchmarks.speed.step import step_ratio
from benchmarks.speed.workers import workers

STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:900px;margin:32px auto;padding:0 20px;color:#1c2330;background:#fff}"
    "table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:4px 14px 4px 0;border-bottom:1px solid #e4e7ec}"
    "svg{max-width:640px;display:block;font-size:11px;fill:#667085}.axis{stroke:#e4e7ec;fill:none}h2{font-size:17px}"
    ".legend span{margin-right:14px}.legend i{width:10px;margin-right:5px}"
    "td:first-child{width:48%}i{display:inline-block;height:10px;background:#2563eb;border-radius:3px;vertical-align:middle}.soft{color:#667085}"
)
SECTIONS = (
    "transfer",
    "files",
    "folder",
    "training",
    "data",
    "start-up",
    "growth",
    "processes",
    "threads",
    "memory",
    "workers",
)


@click.command()
@click.option("--only", default=",".join(SECTIONS), show_default=True, help="Sections, with commas between.")
@click.option("--backends", default="torch,bf16,onnx,openvino", show_default=True, help="compile takes minutes: name it.")
@click.option("--sizes", default="64,128", show_default=True)
@click.option("--batches", default="1,16", show_default=True)
@click.option("--width", default=32, show_default=True, help="Of the generator: 32 in the paper, 16 in the quick recipes.")
@click.option("--rounds", default=7, show_default=True)
@click.option("--steps", default=4, show_default=True, help="Training steps a round.")
@click.option("--images", default=320, show_default=True, help="In the folder.")
@click.option("--set", "overrides", multiple=True, metavar="A.B=C", help="Of the recipe that trains.")
@click.option("-o", "--out", type=click.Path(path_type=Path), default=Path("runs/speed"), show_default=True)
def main(
    only: str,
    backends: str,
    sizes: str,
    batches: str,
    width: int,
    rounds: int,
    steps: int,
    images: int,
    overrides: tuple[str, ...],
    out: Path,
) -> None:
    """Measure, print, write."""
    chosen = [name.strip() for name in only.split(",")]
    unknown = [name for name in chosen if name not in SECTIONS]
    if unknown:
        raise click.UsageError(f"--only {unknown[0]}: none of {', '.join(SECTIONS)}")
    names = [name for name in backends.split(",") if _is_there(name)]
    sides, counts = ([int(text) for text in option.split(",")] for option in (sizes, batches))
    sections: dict[str, Callable[[], Iterable[Figure]]] = {
        "transfer": lambda: transfer.backends(sides, counts, width, rounds, names),
        "files": lambda: transfer.files(max(sides), max(counts), width, rounds),
        "folder": lambda: transfer.folder(max(sides), images, width, "onnx" if "onnx" in names else "torch"),
        "training": lambda: step_ratio(rounds, steps, overrides),
        "data": lambda: rest.data(max(sides), rounds),
        "start-up": lambda: rest.start_up(rounds),
        "growth": lambda: [
            *growth.pixels([min(sides), max(sides), 2 * max(sides)], width, rounds),
            *growth.images([images // 4, images, 4 * images], min(sides)),
            *growth.data_set(rounds),
        ],
        "processes": lambda: growth.processes(10 * steps),
        "threads": lambda: growth.threads(10 * steps),
        "memory": rest.memory,
        "workers": lambda: workers(4 * images, max(1, rounds // 2)),
    }
    figures: list[Figure] = []
    for name in chosen:
        click.echo(f"{name} ...", err=True)
        figures += sections[name]()
    figures.sort(key=lambda figure: (not figure.reach, figure.unit != "x", figure.unit))
    machine = f"{platform.machine()}, {os.cpu_count()} processors, {torch.get_num_threads()} threads, torch {torch.__version__}"
    write_text(out / "speed.json", json.dumps({"machine": machine, "figures": [asdict(f) for f in figures]}, indent=2) + "\n")
    write_text(out / "speed.md", markdown(figures, machine))
    write_text(out / "speed.html", page(figures, machine))
    click.echo(markdown(figures, machine))


def _is_there(name: str) -> bool:
    """Whether a backend can run here; prints what is missing."""
    from attrxfer.plugin.parameters import check

    spec, problems = check("backend", {"use": name}, host.load().registry, path="--backends", shared={})
    if spec is None:
        raise click.UsageError("; ".join(str(problem) for problem in problems))
    for one in missing_for(spec):
        click.echo(f"{name} is left out: missing: {one}", err=True)
    return not missing_for(spec)


def markdown(figures: list[Figure], machine: str) -> str:
    """A table, what has a reach and ratios first."""
    head = [f"{machine}; median of the rounds (least to most)\n", "| what | measured | reach |", "| --- | --- | --- |"]
    return "\n".join([*head, *(f"| {figure.name} | {figure.shown()} | {figure.reach} |" for figure in figures)]) + "\n"


def page(figures: list[Figure], machine: str) -> str:
    """The same with a bar for each ratio."""
    most = {unit: max([*(figure.value for figure in figures if figure.unit == unit), 1.0]) for unit in ("x", "share")}
    rows = []
    for figure in figures:
        bar = f'<i style="width:{200 * figure.value / most[figure.unit]:.0f}px"></i>' if figure.unit in most else ""
        name, value, reach = (html.escape(text) for text in (figure.name, figure.shown(), figure.reach))
        rows.append(f"<tr><td>{name}</td><td>{value}</td><td>{bar}</td><td>{reach}</td></tr>")
    head = f"<!doctype html><meta charset=utf-8><title>Speed</title><style>{STYLE}</style><h1>Speed</h1>"
    return f"{head}<p class=soft>{html.escape(machine)}</p>{charts(figures)}<table>{''.join(rows)}</table>"


def charts(figures: list[Figure]) -> str:
    """A line chart for each group of figures that says where it stands in one."""
    lines: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for figure in figures:
        if figure.point is not None:
            own = lines.setdefault(figure.point.chart, {})
            own.setdefault(figure.point.line, []).append((figure.point.at, figure.value))
    drawn = [
        f"<h2>{html.escape(title)}</h2>{chart({name: sorted(points) for name, points in series.items()}, '')}"
        for title, series in lines.items()
    ]
    return "".join(drawn)


if __name__ == "__main__":
    main()
