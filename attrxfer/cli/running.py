"""attrxfer run, attrxfer export."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("recipe", required=False)
@click.option("--data", type=click.Path(path_type=Path), help="Your images, in any layout an installed data set understands.")
@click.option("--set", "overrides", multiple=True, metavar="A.B=C", help="Change a setting of the recipe; repeatable.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="The run's folder.  [default: runs/RECIPE]")
@click.option("--resume", type=click.Path(path_type=Path), metavar="FOLDER", help="Go on with an interrupted run.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
def run(
    recipe: str | None,
    data: Path | None,
    overrides: tuple[str, ...],
    out: Path | None,
    resume: Path | None,
    quiet: bool,
) -> None:
    """Train RECIPE (a file, or a name from `attrxfer recipe ls`) and write a report and a bundle."""
    if (recipe is None) == (resume is None):
        raise click.UsageError("give a RECIPE, or --resume FOLDER")
    if resume is not None and (data or overrides or out):
        raise click.UsageError("--resume goes on with the run as it was started: no --data, --set or -o")
    from attrxfer import recipe as recipes
    from attrxfer.plugin import host
    from attrxfer.storage.run_folder import RunFolder
    from attrxfer.workflows import train as job

    loaded = host.load()
    if resume is not None:
        RunFolder(resume).require()
        job.run(recipes.load(resume / "recipe.toml", loaded), resume, loaded, resume=True, quiet=quiet)
        return
    assert recipe is not None
    job.begin(recipe, loaded, overrides=overrides, data=data, out=out, quiet=quiet)


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--to", "form", default="onnx", show_default=True, help="An exporter: see `attrxfer components exporter`.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="The file.  [default: beside the bundle]")
@click.option("--check", type=click.Path(path_type=Path), help="Images to compare with torch on.  [default: noise]")
def export(model: Path, form: str, out: Path | None, check: Path | None) -> None:
    """Write MODEL (a bundle or finished run) into one file that runs without torch, and compare it with torch."""
    from attrxfer.plugin import host
    from attrxfer.workflows.export import export as write

    path, report = write(model, form, out, check, host.load())
    click.echo(f"{path}: {report}")
