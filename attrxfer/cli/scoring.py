"""attrxfer evaluate, compare."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from attrxfer.errors import AttrxferError

if TYPE_CHECKING:
    from attrxfer.evaluation.candidates import Candidate
    from attrxfer.evaluation.scores import HeldOutInputs, Scorecard
    from attrxfer.plugin.host import Host
    from attrxfer.recipe import Recipe

STRENGTHS = (0.25, 0.5, 0.75, 1.0, 1.25)


@click.command()
@click.argument("candidates", nargs=-1, required=True, metavar="BUNDLE_OR_RUN_OR_METHOD_OR_FOLDER...")
@click.option("--data", type=click.Path(path_type=Path), help="Score on these images instead of the first bundle's own.")
@click.option("--recipe", help="Task, data and metrics are this recipe's, not the first bundle's.")
@click.option("--set", "overrides", multiple=True, metavar="A.B=C", help="Change a setting of that recipe; repeatable.")
@click.option(
    "--limit",
    default=300,
    type=click.IntRange(min=0),
    show_default=True,
    help="Held-out images that are scored; 0 takes all.",
)
@click.option("--strength", type=click.FloatRange(0, 3), default=1.0, show_default=True)
@click.option("-o", "--out", type=click.Path(path_type=Path), default=Path("scores"), show_default=True)
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
def evaluate(
    candidates: tuple[str, ...],
    data: Path | None,
    recipe: str | None,
    overrides: tuple[str, ...],
    limit: int,
    strength: float,
    out: Path,
    quiet: bool,
) -> None:
    """Score trained models, methods and folders of results side by side on held-out images.

    Writes scores.json, table.md and page.html into the folder OUT.
    """
    from attrxfer.evaluation.candidates import (
        candidate,
        held_out,
        made_metrics,
        reference_rows,
        refuse_teachers,
        require,
        scorecards,
    )
    from attrxfer.evaluation.matched_identity import with_headlines
    from attrxfer.evaluation.scores import slices
    from attrxfer.plugin import host
    from attrxfer.plugin.parameters import all_missing_for
    from attrxfer.recipe.assembly import open_task
    from attrxfer.report import scorecard
    from attrxfer.report.markdown import conditions
    from attrxfer.storage.files import write_text

    loaded = host.load()
    for what in candidates:
        require(what, loaded.registry)
    cards = _cards(candidates)
    checked = _recipe(cards, recipe, data, overrides, loaded)
    refuse_teachers(cards, checked)
    missing = dict.fromkeys(need for metric in checked.metric for need in all_missing_for(metric))
    if missing:
        raise AttrxferError("\n".join(f"a metric needs {need}" for need in missing))
    opened, sets = open_task(checked)
    given = held_out(checked, opened, sets, limit)
    if given is None:
        raise AttrxferError("the test split has no inputs of this task")
    own = [candidate(what, given, loaded.registry, strength) for what in candidates]
    names = [one.name for one in own]
    others = [one for one in reference_rows(given, loaded.registry) if one.name not in names]
    metrics = made_metrics(checked, opened)
    validation = held_out(checked, opened, sets, limit, validation=True)
    results = with_headlines(scorecards(given, [*own, *others], metrics), given, validation, loaded.registry)
    cut = {card.name: slices(card, found, ("success", "verified", "closer to truth")) for card, found in results[: len(own)]}
    curves = {
        one.name: _curve(one, strength, card, given)
        for one, (card, _) in zip(own, results, strict=False)
        if one.model is not None
    }
    table = {card.name: card.scores for card, _ in results}
    guided = conditions(checked.task.guided)
    content = {"images": len(given.rows), "task": dict(checked.task.guided), "scores": table, "slices": cut, "curves": curves}
    write_text(out / "scores.json", json.dumps(content, indent=2) + "\n")
    write_text(out / "table.md", scorecard.markdown(table))
    write_text(out / "page.html", scorecard.page(f"{checked.task.name}: {guided}", results, names, cut, curves))
    if not quiet:
        _print(table)
        click.echo(f"\n{out / 'page.html'}")


def _cards(candidates: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The cards of those candidates that are bundles or finished runs."""
    from attrxfer.model import bundle

    return {what: bundle.read_metadata(bundle.find(Path(what))) for what in candidates if bundle.is_there(Path(what))}


def _recipe(
    cards: Mapping[str, Mapping[str, Any]], name: str | None, data: Path | None, overrides: Sequence[str], loaded: Host
) -> Recipe:
    """The recipe whose task, data and metrics are scored."""
    from attrxfer import recipe as recipes
    from attrxfer.data import data_table

    where = data_table(data, loaded.registry.all("dataset")) if data else None
    if name is not None:
        return recipes.load(name, loaded, overrides, where)
    if not cards:
        raise AttrxferError(
            "none of these is a bundle that says what to score: name a recipe with --recipe, e.g. diat_a_gender"
        )
    first, card = next(iter(cards.items()))
    return recipes.complete(card["recipe"], first, loaded, overrides, where)


def _curve(one: Candidate, scored: float, card: Scorecard, given: HeldOutInputs) -> list[dict[str, float]]:
    """The shares of a transfer's scorecard at several strengths; at the strength ``scored`` they are those of ``card``."""
    from attrxfer.evaluation.scores import score

    assert one.model is not None
    metrics = list(dict.fromkeys(card.by.values()))  # the others say nothing that a curve shows
    points = []
    for strength in STRENGTHS:
        own = card
        if strength != scored:
            own = score("", given.results(one.model.images(given.sources, strength)), metrics)
        found = {name: own.scores[name] for name in own.each if own.scores[name]["unit"] == "share"}
        shares = {name: each["value"] for name, each in found.items() if each["value"] is not None}
        points.append({"strength": strength, **shares})
    return points


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN RUN...")
def compare(runs: tuple[Path, ...]) -> None:
    """Put finished runs side by side: where their recipes differ, and their scores."""
    from attrxfer.model.bundle import find, read_metadata
    from attrxfer.recipe import differences, shown

    cards = {str(path): read_metadata(find(path)) for path in runs}
    first, *others = cards.values()
    found = [{key: (here, there) for key, here, there in differences(first["recipe"], card["recipe"])} for card in others]
    keys = list(dict.fromkeys(key for changes in found for key in changes))
    if keys:
        from attrxfer.cli.looking import table

        rows = [("SETTING", *cards)]
        for key in keys:
            own = next(changes[key][0] for changes in found if key in changes)
            rows.append((key, shown(own), *(shown(changes[key][1] if key in changes else own) for changes in found)))
        table(rows)
        click.echo()
    _print({name: card["scores"].get("scores", {}) for name, card in cards.items()})


def _print(cards: Mapping[str, Mapping[str, Any]]) -> None:
    from attrxfer.cli.looking import table
    from attrxfer.report.scorecard import names, shown

    rows = [("SCORE", *cards)]
    for name in names(cards):
        cells = [shown(scores[name]) if name in scores else ("", "") for scores in cards.values()]
        rows.append((name, *(f"{value} ({bounds})" if bounds else value for value, bounds in cells)))
    table(rows)
