"""One measured number."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

HELD = """
from pathlib import Path

def held():
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return float(peak.split()[1]) / 1024
"""
"""Code of a process of its own: ``held()`` is its peak memory in MB. getrusage would give
that of its parent, from which it was forked."""


class Point(NamedTuple):
    """Where a figure stands in a chart: on which line, at which x."""

    chart: str
    line: str
    at: float


@dataclass(frozen=True)
class Figure:
    """name: what was measured. unit: "x" for a ratio. low, high: of several rounds. reach: what it should be."""

    name: str
    value: float
    unit: str
    low: float | None = None
    high: float | None = None
    reach: str = ""
    point: Point | None = None

    def shown(self) -> str:
        """The value with its range, as people read it."""
        if self.unit == "share":
            return f"{self.value:.2%}"
        value = f"{self.value:.3g}" if self.value < 100 else f"{self.value:.0f}"
        spread = f" ({self.low:.3g} to {self.high:.3g})" if self.low is not None and self.high is not None else ""
        return f"{value} {self.unit}{spread}".replace(" x", "x")


def seconds(run: Callable[[], object], rounds: int) -> float:
    """The median time of a call, after one that is not counted."""
    run()
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def turns(runs: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """The times of several calls that take turns, so that a drift of the machine hits all; the first turn is not counted."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(-1, rounds):
        for name, run in runs.items():
            began = time.perf_counter()
            run()
            if number >= 0:
                times[name].append(time.perf_counter() - began)
    return times


def ratio(name: str, over: list[float], under: list[float], reach: str = "") -> Figure:
    """The median of paired ratios, with their range."""
    ratios = [one / other for one, other in zip(over, under, strict=True)]
    return Figure(name, statistics.median(ratios), "x", min(ratios), max(ratios), reach)
