"""The command ``attrxfer classifier train``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from attrxfer.plugin.options import PATH

if TYPE_CHECKING:
    from attrxfer.plugin.registry import Registry


@click.group()
def classifier() -> None:
    """The attribute classifier, which measures attribute accuracy."""


@classifier.command("train")
@click.option("--data", type=PATH, help="Images with labels.  [default: drawn faces]")
@click.option("--size", default=64, type=click.IntRange(min=16), show_default=True, help="Side of the images in pixels.")
@click.option("--network", default="test_resnet", show_default=True, help="A timm architecture.")
@click.option("--steps", default=500, type=click.IntRange(min=1), show_default=True, help="Training steps.")
@click.option("--batch-size", default=64, type=click.IntRange(min=2), show_default=True, help="Images a step.")
@click.option("--lr", default=3e-3, type=click.FloatRange(min=0, min_open=True), show_default=True, help="Learning rate.")
@click.pass_obj
def train(registry: Registry, data: Path | None, size: int, network: str, steps: int, batch_size: int, lr: float) -> None:
    """Train the attribute classifier of a data set.

    Its accuracy on real test images is printed. It is read from the cache where it was trained before.

    Runs use the same classifier if their metrics have the same settings and they use all images (selection = []).
    """
    from attrxfer.data import open_data, recognise
    from attrxfer.errors import AttrxferError
    from attrxfer_metrics.classifier import UsesClassifier

    missing = UsesClassifier.missing(network=network)
    if missing:
        raise AttrxferError(f"--network: missing: {missing[0]}")

    name = recognise(data, registry.all("dataset")) if data is not None else "synthetic_faces"
    cls = registry.get("dataset", name).load()
    dataset = cls(size=size, path=data) if data is not None else cls(size=size)
    opened = open_data(dataset, selection=None, size=size)
    rows = opened.rows("test", None)
    if not len(rows):
        raise AttrxferError("the test split is empty: the accuracy of a classifier cannot be measured")
    trained = UsesClassifier(network=network, steps=steps, batch_size=batch_size, lr=lr).classifier(opened)
    click.echo(f"{len(rows)} real test images")
    for attribute in trained.names:
        share = opened.records.attributes[attribute][rows].mean()
        balanced = trained.balanced_accuracy(opened, {attribute: True})
        if balanced is None:
            have = "all" if share else "none"
            click.echo(f"{attribute:24}cannot be told: {have} of the test images have it")
            continue
        accuracy = trained.accuracy(opened, [attribute])
        click.echo(
            f"{attribute:24}{balanced:7.1%} balanced accuracy (always the same answer: 50%); {accuracy:.1%} right "
            f"(always the more frequent answer: {max(share, 1 - share):.1%})"
        )
