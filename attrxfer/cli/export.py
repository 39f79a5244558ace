"""attrxfer export."""

from __future__ import annotations

from pathlib import Path

import click

from attrxfer.cli import completion
from attrxfer.cli.output import ATTRIBUTE


@click.command()
@click.argument("model", metavar="MODEL", shell_complete=completion.models)
@click.option(
    "--to",
    "form",
    metavar="EXPORTER",
    default="onnx",
    show_default=True,
    help="A name from `attrxfer components exporter`.",
)
@click.option("-o", "--out", type=click.Path(path_type=Path), help="The file to write.  [default: beside the bundle]")
@ATTRIBUTE
@click.option("--check", type=click.Path(path_type=Path), help="Images on which the results are compared.  [default: noise]")
def export(model: str, form: str, out: Path | None, attributes: dict[str, bool] | None, check: Path | None) -> None:
    """Write a model into one file that runs without torch.

    The results of the file are compared with torch's. MODEL is a bundle, a finished run, or a shipped model by name.
    """
    from attrxfer.plugin import host
    from attrxfer.workflows.export import export as write

    path, report = write(model, form, out, check, host.load(), attributes)
    click.echo(f"{path}: {report}")
