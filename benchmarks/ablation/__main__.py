"""python -m benchmarks.ablation: train the variants of DIAT under one budget, score them, compare them; resumable."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Any

import click

from attrxfer.data import data_table
from attrxfer.errors import AttrxferError
from attrxfer.plugin import host as hosts
from attrxfer.recipe import load
from attrxfer.storage.files import write_text
from attrxfer.storage.run_folder import RunFolder
from attrxfer.training.budget import steps_for
from benchmarks.ablation import table
from benchmarks.ablation.train import train
from benchmarks.ablation.variants import ENHANCED, REGION, TASKS, VARIANTS, place, recipe


def _several(context: click.Context, parameter: click.Parameter, text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _numbers(context: click.Context, parameter: click.Parameter, text: str) -> list[int]:
    try:
        return [int(name) for name in _several(context, parameter, text)]
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command()
@click.option("--tasks", default=",".join(TASKS), callback=_several, show_default=True, help="Names, with commas between.")
@click.option("--variants", default=",".join(VARIANTS), callback=_several, show_default=True)
@click.option("--seeds", default="0", callback=_numbers, show_default=True, help="Numbers, with commas between.")
@click.option("--data", type=click.Path(path_type=Path), help="Real images instead of drawn faces.")
@click.option("--minutes", type=float, help="Of Algorithm 1 for each variant.")
@click.option("--steps", type=click.IntRange(min=1), help="Iterations of Algorithm 1 for each variant.")
@click.option("--images", default=200, show_default=True, help="Held-out images that are scored.")
@click.option("--classifier-steps", default=1500, show_default=True)
@click.option("--set", "sets", multiple=True, metavar="A.B=C", help="Change a setting of every variant.")
@click.option("-o", "--out", type=click.Path(path_type=Path), default=Path("runs/ablation"), show_default=True)
def main(
    tasks: list[str],
    variants: list[str],
    seeds: list[int],
    data: Path | None,
    minutes: float | None,
    steps: int | None,
    images: int,
    classifier_steps: int,
    sets: tuple[str, ...],
    out: Path,
) -> None:
    """Train, score and compare; what is finished is not done again."""
    logging.basicConfig(level=logging.WARNING)
    if (minutes is None) == (steps is None):
        raise click.UsageError("give the budget of each variant: --minutes or --steps")
    for given, known in ((tasks, TASKS), (variants, VARIANTS)):
        for name in given:
            if name not in known:
                raise click.UsageError(f"{name}: none of {', '.join(known)}")
    host = hosts.load()
    where = data_table(data, host.registry.all("dataset")) if data else None
    budget = [f"train.adversarial.steps={steps}"] if steps is not None else []
    runs: dict[tuple[str, str], list[tuple[dict[str, Any], Path]]] = {}
    try:
        for task in tasks:
            for variant in variants:
                for seed in seeds:
                    folder = RunFolder(place(out, task, variant, seed))
                    if folder.recipe.is_file():
                        checked = load(folder.recipe, host)
                    else:
                        checked = recipe(task, variant, seed, host, where, [*sets, *budget])
                        checked = checked if minutes is None else steps_for(minutes, checked, folder.path, host)
                    plain = RunFolder(place(out, task, ENHANCED.get(variant, variant), seed))
                    scores = train(
                        checked,
                        folder,
                        host,
                        limit=images,
                        classifier_steps=classifier_steps,
                        region=REGION.get(task),
                        plain=plain if variant in ENHANCED and (plain.path / "ablation.json").is_file() else None,
                        say=click.echo,
                    )
                    runs.setdefault((task, variant), []).append((scores, folder.path))
                write(out, tasks, runs, where)
    except AttrxferError as error:
        click.echo(f"ablation: {error}", err=True)
        sys.exit(error.exit_code)
    click.echo((out / "table.md").read_text())


def write(out: Path, tasks: list[str], runs: table.Runs, data: dict[str, str] | None) -> None:
    """ablation.json, table.md, page.html of what is finished so far."""
    done = [task for task in tasks if any(of == task for of, _ in runs)]
    title = f"DIAT's variants on {data['path'] if data else 'drawn faces'}"
    every = {f"{task}/{variant}": [scores for scores, _ in found] for (task, variant), found in runs.items()}
    write_text(out / "ablation.json", json.dumps(every))
    write_text(out / "table.md", table.markdown(done, runs, title))
    write_text(out / "page.html", table.page(done, runs, title))


if __name__ == "__main__":
    main()
