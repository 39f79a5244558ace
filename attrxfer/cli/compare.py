"""attrxfer compare."""

from __future__ import annotations

from pathlib import Path

import click

from attrxfer.cli import completion
from attrxfer.cli.output import JSON, json_text, score_table, table
from attrxfer.plugin.options import PATH


@click.command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL...", shell_complete=completion.models)
@JSON
@click.option("-o", "--out", type=PATH, help="Also write CSV, LaTeX, Markdown and a page into this folder.")
def compare(models: tuple[str, ...], out: Path | None, as_json: bool) -> None:
    """Compare trained models by what they know of themselves.

    The settings in which their recipes differ, and their scores, stand side by side. MODEL is a bundle, a finished run, an
    exported file or a shipped model by name. The page has the sample images of runs.
    """
    from attrxfer.plugin import host
    from attrxfer.workflows.compare import models as read

    compared = read(models, host.load())
    if out is not None:
        compared.write(out)
    if as_json:
        json_text({"settings": compared.changed, "scores": compared.scores})
        return
    if len(compared.settings) > 1:
        table(compared.settings)
        click.echo()
    score_table(compared.scores)
    if out is not None:
        click.echo(f"\n{out / 'page.html'}")
