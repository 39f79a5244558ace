"""The checks before training, the same for ``attrxfer recipe check`` and ``attrxfer run``."""

from __future__ import annotations

from dataclasses import dataclass

from attrxfer.errors import InvalidRecipe, Problem
from attrxfer.plugin.host import Host
from attrxfer.recipe import Recipe
from attrxfer.recipe.assembly import Assembly


@dataclass(frozen=True)
class Checked:
    """What the checks found.

    Attributes:
        problems: What is wrong with the recipe.
        missing: The files and packages that are missing on this machine, each with its remedy. Where something is missing, the
            components were not tried.
    """

    problems: tuple[Problem, ...]
    missing: tuple[str, ...]


def check(recipe: Recipe, host: Host) -> Checked:
    """Check a recipe without its data: trackers, missing files and packages, whether the components fit one another, and one
    update of D and T on random images."""
    from attrxfer.recipe.preflight import preflight
    from attrxfer.training.devices import missing_trackers, unknown_trackers

    problems = unknown_trackers(recipe.train.trackers)
    assembly = Assembly(recipe)
    missing = [*assembly.missing(), *missing_trackers(recipe.train.trackers)]
    if not missing:
        from attrxfer.training.rehearsal import rehearse
        from attrxfer.training.start import start_problems

        found = preflight(assembly)
        problems += found or [*rehearse(assembly), *start_problems(recipe, assembly.one("generator"), host)]
    return Checked(tuple(problems), tuple(missing))


def require(recipe: Recipe, host: Host) -> None:
    """Refuse a recipe in which ``check`` finds something.

    Raises:
        InvalidRecipe: Every problem and everything missing, a line each.
    """
    checked = check(recipe, host)
    problems = [*checked.problems, *(Problem("", f"missing: {one}") for one in checked.missing)]
    if problems:
        raise InvalidRecipe(recipe.source, problems)
