"""attrxfer export."""

from __future__ import annotations

from pathlib import Path

import click

from attrxfer.cli import completion
from attrxfer.cli.output import ATTRIBUTE
from attrxfer.plugin.options import PATH


@click.command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL...", shell_complete=completion.models)
@click.option(
    "--to",
    "form",
    metavar="EXPORTER",
    default="onnx",
    show_default=True,
    help="A name from `attrxfer components exporter`.",
)
@click.option("-o", "--out", type=PATH, help="The file or folder to write.  [default: beside the bundle]")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Change a setting of the exporter; repeatable.")
@ATTRIBUTE
@click.option("--check", type=PATH, help="Images on which the results are compared.  [default: noise]")
def export(
    models: tuple[str, ...],
    form: str,
    out: Path | None,
    settings: tuple[str, ...],
    attributes: dict[str, bool] | None,
    check: Path | None,
) -> None:
    """Write models into files that run without torch.

    The results of each file are compared with torch's. MODEL is a bundle, a finished run, or a shipped model by name. Most
    exporters write one MODEL into a file; --to web puts any number into a page for a browser.
    """
    from attrxfer.plugin import host
    from attrxfer.workflows.export import export as write

    path, report = write(models, form, out, check, host.load(), attributes, settings)
    click.echo(f"{path}: {report}")
