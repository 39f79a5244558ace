"""inspect.html: the results of an inspection, with images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from attrxfer.data import CachedDataset
from attrxfer.media.images import data_uri
from attrxfer.report.pages import render
from attrxfer_faces.clusters import Clusters
from attrxfer_faces.inspection import Confound, Twins

SHOWN = 24
"""Pairs of attributes, and near-duplicates, that the page shows at most."""
EACH = 6
"""Faces of a cluster that the page shows at most."""
Item = tuple[str, list[str], bool]
"""An image as a data URI, the lines below it, and whether it is marked."""


def page(
    path: Path, name: str, data: CachedDataset, pairs: Sequence[Confound], alike: Sequence[Twins], clusters: Clusters | None
) -> str:
    """The page as HTML that loads nothing from elsewhere."""
    return render(
        "inspection.html.j2",
        title=f"{path}: {name}",
        description=data.describe(),
        confounds=pairs[:SHOWN],
        twin_count=len(alike),
        twins=_twins(data, alike),
        cluster_count=None if clusters is None else len(clusters.dropped),
        dropped_count=0 if clusters is None else int(clusters.dropped.sum()),
        clusters=[] if clusters is None else _clusters(data, clusters),
        broken=data.broken,
    )


def _twins(data: CachedDataset, alike: Sequence[Twins]) -> list[Item]:
    """Near-duplicates; those whose labels conflict come first."""
    ordered = sorted(alike, key=lambda pair: -(len(pair.differ) + 10 * pair.other_person + 5 * pair.other_split))
    items = []
    for pair in ordered[:SHOWN]:
        lines = [" and ".join(data.records.names[row] for row in pair.rows)]
        lines += [f"labels differ: {', '.join(pair.differ)}"] if pair.differ else []
        lines += ["labelled as two people"] if pair.other_person else []
        lines += ["in two splits"] if pair.other_split else []
        items.append((_strip(data.images_u8(np.array(pair.rows))), lines, bool(pair.differ or pair.other_person)))
    return items


def _clusters(data: CachedDataset, clusters: Clusters) -> list[Item]:
    items = []
    for k in np.lexsort((clusters.yaw, ~clusters.dropped)):
        rows = np.flatnonzero((clusters.label == k) & data.usable)
        if len(rows):
            chosen = rows[np.linspace(0, len(rows) - 1, min(EACH, len(rows))).astype(int)]
            measures = f"yaw {clusters.yaw[k]:.2f}, eyes {clusters.eyes[k]:.2f}, mouth at {clusters.low_mouth[k]:.2f}"
            lines = [f"{len(rows)} faces{', dropped' if clusters.dropped[k] else ''}", measures]
            items.append((_strip(data.images_u8(chosen)), lines, bool(clusters.dropped[k])))
    return items


def _strip(images: NDArray[np.uint8]) -> str:
    return data_uri(np.concatenate(list(images), axis=1), "JPEG")
