"""The command ``attrxfer data inspect``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from attrxfer.plugin.options import PATH

if TYPE_CHECKING:
    from attrxfer.plugin.registry import Registry

LISTED = 8
"""Pairs of correlated attributes that are printed, at most."""


@click.group()
def data() -> None:
    """Examine a data set."""


@data.command()
@click.argument("path", type=PATH)
@click.option("-o", "--out", type=PATH, default=Path("inspect.html"), show_default=True, help="The page.")
@click.option("--size", type=click.IntRange(32, 512), default=64, show_default=True, help="Side of the images in pixels.")
@click.pass_obj
def inspect(registry: Registry, path: Path, out: Path, size: int) -> None:
    """Describe a data set, and write a page about it.

    Counts, correlated attributes, near-duplicates, labels that contradict each other, broken files, and clusters of landmarks
    with those that are dropped.
    """
    from attrxfer.data import open_data, recognise
    from attrxfer.storage.files import write_text
    from attrxfer_faces.clusters import LandmarkClusters
    from attrxfer_faces.inspection import confounds, twins
    from attrxfer_faces.inspection_page import page

    name = recognise(path, registry.all("dataset"))
    dataset = registry.get("dataset", name).load()(path=path, size=size)
    opened = open_data(dataset, selection=None, size=size)
    pairs = confounds(opened.records.attributes, opened.rows("train", None))
    alike = twins(opened)
    clusters = LandmarkClusters(size=size).find(opened.records)
    click.echo(f"{path}: {name}\n{opened.describe()}")
    for pair in pairs[:LISTED]:
        click.echo(f"correlated: {pair.first} and {pair.second} (phi {pair.phi:+.2f})")
    conflicts = [pair for pair in alike if pair.differ or pair.other_person]
    across = sum(pair.other_split for pair in alike)
    click.echo(f"{len(alike)} pairs of near-duplicates, {across} across splits, {len(conflicts)} with conflicting labels")
    if clusters is None:
        click.echo("no landmarks of faces: no clusters")
    else:
        faces = int(clusters.dropped[clusters.label[clusters.label >= 0]].sum())
        count, dropped = len(clusters.dropped), int(clusters.dropped.sum())
        click.echo(f"{count} clusters of landmarks, {dropped} dropped by selection clusters ({faces} faces)")
    write_text(out, page(path, name, opened, pairs, alike, clusters))
    click.echo(f"page: {out}")
