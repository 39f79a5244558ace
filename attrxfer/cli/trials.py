"""What ``ablate`` and ``sweep`` share: the options of a budget, and the call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from attrxfer.cli.output import json_text, score_table
from attrxfer.cli.verbosity import is_quiet
from attrxfer.errors import AttrxferError
from attrxfer.plugin.options import PATH

if TYPE_CHECKING:
    from attrxfer.workflows.ablate import Ablation
    from attrxfer.workflows.trial import Variant

Command = TypeVar("Command", bound=Callable[..., Any])


def read_seeds(ctx: click.Context, param: click.Parameter, value: str) -> list[int]:
    """The numbers of "0,1,2"."""
    parts = [part.strip() for part in value.split(",") if part.strip()]
    if not parts or not all(part.isdecimal() for part in parts):
        raise click.BadParameter(f'"{value}" is not a list of numbers with commas between, for example 0,1,2')
    return list(dict.fromkeys(map(int, parts)))


OPTIONS = (
    click.option(
        "--seeds", default="0", callback=read_seeds, show_default=True, help="Numbers with commas between, e.g. 0,1,2."
    ),
    click.option(
        "--minutes",
        type=click.FloatRange(0, min_open=True),
        help="Each run trains T against D for so long, by a few steps that are timed.  [default: the recipe's steps]",
    ),
    click.option("--steps", type=click.IntRange(min=1), help="Steps of this stage, instead of minutes."),
    click.option("--data", type=PATH, help="Your images, in any layout that an installed data set reads."),
    click.option(
        "--limit", default=300, type=click.IntRange(min=0), show_default=True, help="How many held-out images to score; 0: all."
    ),
    click.option(
        "--engine",
        metavar="ENGINE",
        help="Train the runs on many processes or machines: ray.  [default: this process]",
    ),
)


def trial_options(command: Command) -> Command:
    """Add these options to a command."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def run(
    variants: Sequence[Variant],
    *,
    seeds: list[int],
    minutes: float | None,
    steps: int | None,
    data: Path | None,
    limit: int,
    engine: str | None,
    overrides: Sequence[str],
    out: Path,
    choose: bool = False,
) -> Ablation:
    """Train and compare variants, a line on stderr for each run."""
    if minutes is not None and steps is not None:
        raise AttrxferError("--minutes and --steps both say how long to train: give one of them")
    from attrxfer.data import data_table
    from attrxfer.plugin import host
    from attrxfer.workflows.ablate import ablate
    from attrxfer.workflows.trial import Budget
    from attrxfer.workflows.workers import load_engine

    loaded = host.load()
    return ablate(
        variants,
        loaded,
        seeds=seeds,
        out=out,
        budget=Budget(minutes, steps, limit),
        overrides=overrides,
        data=None if data is None else data_table(data, loaded.registry.all("dataset")),
        choose=choose,
        engine=None if engine is None else load_engine(engine, loaded.registry),
        say=(lambda text: None) if is_quiet() else (lambda text: click.echo(text, err=True)),
    )


def show(found: Ablation, out: Path, as_json: bool) -> None:
    """Print the scores, the best variant where one was chosen, and where the page is."""
    if as_json:
        chosen = {"best": found.best, "chosen_by": found.chosen_by, "validation": found.validation}
        json_text({"scores": found.comparison.scores, **(chosen if found.best is not None else {})})
    elif not is_quiet():
        score_table(found.comparison.scores)
        if found.best is not None:
            click.echo(f"\nbest on the validation images, by {found.chosen_by}: {found.best}")
        click.echo(f"\n{out / 'page.html'}")
