"""Recipes: TOML that names components and settings. Nothing is built before all of it is valid."""

from attrxfer.recipe.differences import differences, in_short, shown
from attrxfer.recipe.loading import complete, load, read
from attrxfer.recipe.parsing import parse
from attrxfer.recipe.schema import MANY, ONE, SHARED, Recipe, Report, Task, Train

__all__ = [
    "MANY",
    "ONE",
    "SHARED",
    "Recipe",
    "Report",
    "Task",
    "Train",
    "complete",
    "differences",
    "in_short",
    "load",
    "parse",
    "read",
    "shown",
]
