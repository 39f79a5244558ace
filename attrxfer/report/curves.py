"""Loss curves as inline SVG."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from markupsafe import Markup

WIDTH, HEIGHT, LEFT, BOTTOM = 520, 190, 46, 22
POINTS = 240
COLOURS = ("#2563eb", "#dc2626", "#059669", "#d97706", "#7c3aed", "#0891b2", "#be185d", "#4d7c0f")
NOT_TERMS = ("stage", "step", "seconds")
SHARE = "share "
PEAK = 1.5
"""The axis ends at this multiple of the 95th percentile, at most."""


def curves(lines: Sequence[Mapping[str, Any]]) -> Iterator[Markup]:
    """A figure for each stage with its losses, averaged over neighbouring steps.

    A second figure has the terms' shares of the gradient, if the stage recorded them.

    Args:
        lines: The lines of metrics.jsonl.
    """
    stages = list(dict.fromkeys(line["stage"] for line in lines))
    for stage in stages:
        own = [line for line in lines if line["stage"] == stage]
        names = dict.fromkeys(name for line in own for name in line if name not in NOT_TERMS)
        shares = [name for name in names if name.startswith(SHARE)]
        for title, terms in (
            (stage, [name for name in names if name not in shares]),
            (f"{stage}: share of the gradient", shares),
        ):
            if terms:
                series = {name: _averaged([(line["step"], line[name]) for line in own if name in line]) for name in terms}
                yield Markup(f"<figure><figcaption>{html.escape(title)}</figcaption>{chart(series)}</figure>")


def _averaged(points: Sequence[tuple[int, float]]) -> list[tuple[float, float]]:
    """At most POINTS means of neighbouring points."""
    size = max(1, -(-len(points) // POINTS))
    chunks = [points[i : i + size] for i in range(0, len(points), size)]
    return [(sum(x for x, _ in chunk) / len(chunk), sum(y for _, y in chunk) / len(chunk)) for chunk in chunks]


def chart(series: Mapping[str, Sequence[tuple[float, float]]], unit: str = "step") -> Markup:
    """A line chart as SVG, with a legend. Rare peaks are cut off, so that the rest is not flattened.

    Args:
        series: Points (x, y) of each line by name, x from 0.
        unit: Label of the x axis.
    """
    xs = [x for points in series.values() for x, _ in points]
    ys = [y for points in series.values() for _, y in points]
    usual = PEAK * sorted(ys)[round(0.95 * (len(ys) - 1))]
    right, low, high = max(*xs, 1.0), min(0.0, *ys), min(max(ys), usual if usual > 0 else max(ys)) or 1.0

    def place(x: float, y: float) -> str:
        y = min(y, high)
        across = LEFT + x / right * (WIDTH - LEFT - 8)
        return f"{across:.1f},{HEIGHT - BOTTOM - (y - low) / (high - low) * (HEIGHT - BOTTOM - 8):.1f}"

    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">']
    for share in (0.0, 0.5, 1.0):
        value = low + share * (high - low)
        start, end = place(0, value), place(right, value)
        parts.append(f'<polyline class="axis" points="{start} {end}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{float(start.split(",")[1]) + 4:.1f}" text-anchor="end">{value:.3g}</text>')
    parts.append(f'<text x="{WIDTH - 8}" y="{HEIGHT - 6}" text-anchor="end">{html.escape(unit)} {right:.4g}</text>')
    for (_, points), colour in zip(series.items(), COLOURS, strict=False):
        parts.append(f'<polyline fill="none" stroke="{colour}" points="{" ".join(place(x, y) for x, y in points)}"/>')
    legend = "".join(
        f'<span><i style="background:{colour}"></i>{html.escape(name)}</span>'
        for name, colour in zip(series, COLOURS, strict=False)
    )
    return Markup("".join(parts) + f'</svg><div class="legend">{legend}</div>')
