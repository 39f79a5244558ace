"""attrxfer export."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("model")
@click.option("--to", "form", default="onnx", show_default=True, help="An exporter: see `attrxfer components exporter`.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="The file to write.  [default: beside the bundle]")
@click.option(
    "--check", type=click.Path(path_type=Path), help="Images on which the file is compared with torch.  [default: noise]"
)
def export(model: str, form: str, out: Path | None, check: Path | None) -> None:
    """Write MODEL into one file that runs without torch, and compare its results with torch's.

    MODEL is a bundle, a finished run, or a shipped model by name.
    """
    from attrxfer.plugin import host
    from attrxfer.workflows.export import export as write

    path, report = write(model, form, out, check, host.load())
    click.echo(f"{path}: {report}")
