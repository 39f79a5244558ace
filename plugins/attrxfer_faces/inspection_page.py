"""inspect.html: the findings of an inspection with the images they are about."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from attrxfer.data import CachedDataset
from attrxfer.media.images import data_uri
from attrxfer_faces.clusters import Clusters
from attrxfer_faces.inspection import Confound, Twins

SHOWN = 24
EACH = 6
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:1100px;margin:32px auto;padding:0 20px;color:#1c2330;background:#fff}"
    "h1,h2{letter-spacing:-.02em}table{border-collapse:collapse}th,td{padding:4px 14px 4px 0;text-align:left;"
    "border-bottom:1px solid #e4e7ec}pre{background:#f6f7f9;padding:12px;border-radius:8px;overflow:auto}"
    ".cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(250px,1fr));gap:10px}"
    ".card{border:1px solid #e4e7ec;border-radius:10px;padding:8px 10px;font-size:13px}.card img{width:100%;border-radius:4px;"
    "display:block}.dropped{border-color:#dc2626;background:#fef2f2}small{color:#667085}"
)


def page(
    path: Path, name: str, data: CachedDataset, pairs: Sequence[Confound], alike: Sequence[Twins], clusters: Clusters | None
) -> str:
    """The whole page, self-contained."""
    title = f"{path}: {name}"
    parts = [f"<!doctype html><meta charset=utf-8><title>{html.escape(title)}</title><style>{STYLE}</style>"]
    parts.append(f"<h1>{html.escape(title)}</h1><pre>{html.escape(data.describe())}</pre>")
    parts.append("<h2>Attributes that go together</h2>" + _confounds(pairs))
    parts.append(f"<h2>Near-duplicates</h2><p>{len(alike)} pairs.</p>" + _twins(data, alike))
    parts.append("<h2>Clusters of the landmarks</h2>" + _clusters(data, clusters))
    if data.broken:
        broken = "".join(f"<li>{html.escape(item.name)}: {html.escape(item.reason)}</li>" for item in data.broken)
        parts.append(f"<h2>Broken files</h2><ul>{broken}</ul>")
    return "\n".join(parts)


def _confounds(pairs: Sequence[Confound]) -> str:
    if not pairs:
        return "<p>No two attributes go together strongly.</p>"
    head = (
        "<tr><th>first</th><th>second</th><th>phi</th><th>both</th><th>first only</th><th>second only</th><th>neither</th></tr>"
    )
    body = "".join(
        f"<tr><td>{html.escape(p.first)}</td><td>{html.escape(p.second)}</td><td>{p.phi:+.2f}</td>"
        + "".join(f"<td>{count}</td>" for count in p.counts)
        + "</tr>"
        for p in pairs[:SHOWN]
    )
    return f"<p>A transfer of one may bring the other. Counts of the training split.</p><table>{head}{body}</table>"


def _twins(data: CachedDataset, alike: Sequence[Twins]) -> str:
    """Pairs whose labels conflict come first."""
    ordered = sorted(alike, key=lambda pair: -(len(pair.differ) + 10 * pair.other_person + 5 * pair.other_split))
    cards = []
    for pair in ordered[:SHOWN]:
        names = " and ".join(data.records.names[row] for row in pair.rows)
        said = [f"labels differ: {', '.join(pair.differ)}"] if pair.differ else []
        said += ["two people are named"] if pair.other_person else []
        said += ["in two splits"] if pair.other_split else []
        cards.append(_card(data.images_u8(np.array(pair.rows)), [names, *said], bool(pair.differ or pair.other_person)))
    return f'<div class="cards">{"".join(cards)}</div>'


def _clusters(data: CachedDataset, clusters: Clusters | None) -> str:
    if clusters is None:
        return "<p>The data set has no landmarks of faces.</p>"
    order = np.lexsort((clusters.yaw, ~clusters.dropped))
    cards = []
    for k in order:
        rows = np.flatnonzero((clusters.label == k) & data.usable)
        if len(rows):
            chosen = rows[np.linspace(0, len(rows) - 1, min(EACH, len(rows))).astype(int)]
            measures = f"yaw {clusters.yaw[k]:.2f}, eyes {clusters.eyes[k]:.2f}, mouth at {clusters.low_mouth[k]:.2f}"
            said = [f"{len(rows)} faces{', dropped' if clusters.dropped[k] else ''}", measures]
            cards.append(_card(data.images_u8(chosen), said, bool(clusters.dropped[k])))
    return (
        f"<p>{len(clusters.dropped)} clusters, {int(clusters.dropped.sum())} dropped by the selection <code>clusters</code>: "
        f'turned away (yaw), too small (eyes), or over the edge (mouth).</p><div class="cards">{"".join(cards)}</div>'
    )


def _card(images: NDArray[np.uint8], lines: Iterable[str], marked: bool) -> str:
    uri = data_uri(np.concatenate(list(images), axis=1), "JPEG")
    text = "<br>".join(f"<small>{html.escape(line)}</small>" for line in lines)
    return f'<div class="card{" dropped" if marked else ""}"><img alt="" src="{uri}">{text}</div>'
