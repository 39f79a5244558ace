"""What stands in the way of a recipe: the same list for ``attrxfer recipe check`` and for ``attrxfer run``."""

from __future__ import annotations

from dataclasses import dataclass

from attrxfer.errors import InvalidRecipe, Problem
from attrxfer.recipe import Recipe
from attrxfer.recipe.assembly import Assembly


@dataclass(frozen=True)
class Checked:
    """Attributes:
    problems: What is wrong with the recipe itself.
    missing: What this machine lacks to run it (files, extras), each with its remedy. While something is missing, components
        are not tried with one another.
    """

    problems: tuple[Problem, ...]
    missing: tuple[str, ...]


def check(recipe: Recipe) -> Checked:
    """All that can be known before the first step without the data: trackers, missing files and extras, whether the
    components fit one another, and whether one update of D and T on random images works."""
    from attrxfer.recipe.preflight import preflight
    from attrxfer.training.devices import missing_trackers, unknown_trackers

    problems = unknown_trackers(recipe.train.trackers)
    assembly = Assembly(recipe)
    missing = [*assembly.missing(), *missing_trackers(recipe.train.trackers)]
    if not missing:
        from attrxfer.training.rehearsal import rehearse

        found = preflight(assembly)
        problems += found or rehearse(assembly)
    return Checked(tuple(problems), tuple(missing))


def require(recipe: Recipe) -> None:
    """Raise for what ``check`` finds.

    Raises:
        InvalidRecipe: Every problem and everything missing, a line each.
    """
    checked = check(recipe)
    problems = [*checked.problems, *(Problem("", f"missing: {need}") for need in checked.missing)]
    if problems:
        raise InvalidRecipe(recipe.source, problems)
