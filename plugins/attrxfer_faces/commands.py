"""attrxfer data inspect: what a folder of labelled faces holds, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from attrxfer.plugin.registry import Registry

LISTED = 8


@click.group()
def data() -> None:
    """Examine a data set."""


@data.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("-o", "--out", type=click.Path(path_type=Path), default=Path("inspect.html"), show_default=True, help="The page.")
@click.option("--size", type=click.IntRange(32, 512), default=64, show_default=True, help="Side of the images in pixels.")
@click.pass_obj
def inspect(registry: Registry, path: Path, out: Path, size: int) -> None:
    """Show what a data set holds, and write a page about it.

    Counts, clusters of the landmarks and which are dropped, attributes that go together, near-duplicates, labels that
    contradict each other, broken files.
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
        click.echo(f"go together: {pair.first} and {pair.second} (phi {pair.phi:+.2f})")
    conflicts = [pair for pair in alike if pair.differ or pair.other_person]
    across = sum(pair.other_split for pair in alike)
    click.echo(f"{len(alike)} pairs of near-duplicates, {across} across splits, {len(conflicts)} with conflicting labels")
    if clusters is None:
        click.echo("no landmarks of faces: no clusters")
    else:
        faces = int(clusters.dropped[clusters.label[clusters.label >= 0]].sum())
        click.echo(
            f"{len(clusters.dropped)} clusters of landmarks, {int(clusters.dropped.sum())} dropped by the rule ({faces} faces)"
        )
    write_text(out, page(path, name, opened, pairs, alike, clusters))
    click.echo(f"page: {out}")
