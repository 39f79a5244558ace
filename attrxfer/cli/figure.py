"""attrxfer figure."""

from __future__ import annotations

from pathlib import Path

import click

from attrxfer.cli import completion
from attrxfer.cli.verbosity import is_quiet
from attrxfer.plugin.options import DEVICE, PATH


@click.command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL...", shell_complete=completion.models)
@click.option(
    "-o",
    "--out",
    type=PATH,
    default=Path("figure.pdf"),
    show_default=True,
    help="The file: .pdf, .svg, .eps or .png.",
)
@click.option("--images", type=PATH, help="Crops like those trained on.  [default: the samples that the runs keep]")
@click.option("--count", type=click.IntRange(min=1), default=8, show_default=True, help="Columns, at most.")
@click.option("--label", "labels", multiple=True, metavar="TEXT", help="Of a row, once for each model.  [default: its name]")
@click.option("--strength", type=click.FloatRange(0, 3), default=1.0, show_default=True, help="Of the results for --images.")
@click.option("--width", type=click.FloatRange(1, 40), default=7.0, show_default=True, help="In inches.")
@DEVICE
def figure(
    models: tuple[str, ...],
    out: Path,
    images: Path | None,
    count: int,
    labels: tuple[str, ...],
    strength: float,
    width: float,
    device: str,
) -> None:
    """Draw inputs and results in rows, as a figure for a paper.

    Its labels are vector text. MODEL is the folder of a run, which keeps sample images and the exact truth where it is known;
    with --images also a bundle, an exported file, a method or a shipped model by name.
    """
    from attrxfer.plugin import host
    from attrxfer.workflows.figure import figure as draw

    columns = draw(
        models, out, host.load(), images=images, count=count, labels=labels, strength=strength, width=width, device=device
    )
    if not is_quiet():
        click.echo(f"{out}: {columns} columns")
