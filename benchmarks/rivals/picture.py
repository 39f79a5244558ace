"""One picture: attribute accuracy against verification rate, a line for each method, over strength."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

from attrxfer.report.curves import COLOURS

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 760, 420, 56, 46, 16, 230
Point = tuple[float, float, float]
"""Strength, verification rate, attribute accuracy."""


def picture(curves: Mapping[str, Sequence[Point]], level: float, of: str) -> str:
    """An SVG file of its own.

    Args:
        curves: The points of each method; the point of strength 1 is a disc.
        level: The verification rate that results are matched with, a vertical line.
        of: What is verified at that rate.
    """

    def x(rate: float) -> float:
        return LEFT + rate * (WIDTH - LEFT - RIGHT)

    def y(share: float) -> float:
        return HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts.append(f'<path d="M{x(0):.1f} {y(share):.1f}H{x(1):.1f}M{x(share):.1f} {y(0):.1f}V{y(1):.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y(share) + 4:.1f}" text-anchor="end">{share:.0%}</text>')
        parts.append(f'<text x="{x(share):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{share:.0%}</text>')
    middle = (x(0) + x(1)) / 2
    parts.append(f'<text x="{middle:.1f}" y="{HEIGHT - 10}" text-anchor="middle">verified as the person of the input</text>')
    up = f'transform="rotate(-90 14 {y(0.5):.1f})"'
    parts.append(f'<text x="14" y="{y(0.5):.1f}" text-anchor="middle" {up}>attribute accuracy</text>')
    parts.append(f'<path d="M{x(level):.1f} {y(0):.1f}V{y(1):.1f}" stroke="#555" stroke-dasharray="4 4"/>')
    parts.append(f'<text x="{x(1) + 14:.1f}" y="{y(0):.1f}">dashed: {html.escape(of)}</text>')
    for number, (name, points) in enumerate(curves.items()):
        colour = COLOURS[number % len(COLOURS)]
        line = " ".join(f"{x(rate):.1f},{y(share):.1f}" for _, rate, share in points)
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{line}"/>')
        for strength, rate, share in points:
            size = 5 if strength == 1 else 2
            parts.append(f'<circle cx="{x(rate):.1f}" cy="{y(share):.1f}" r="{size}" fill="{colour}"/>')
        place = TOP + 18 + 20 * number
        parts.append(f'<path d="M{x(1) + 14:.1f} {place - 4}h18" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{x(1) + 38:.1f}" y="{place}">{html.escape(name)}</text>')
    return "\n".join([*parts, "</svg>\n"])
