"""Reading a recipe: its file is merged into what it extends, changed by ``--set``, then checked."""

from __future__ import annotations

import functools
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrxfer.errors import InvalidRecipe, Problem, UnknownName, did_you_mean
from attrxfer.plugin.host import Host
from attrxfer.recipe.merging import apply_overrides, merge
from attrxfer.recipe.parsing import parse
from attrxfer.recipe.schema import Recipe
from attrxfer.recipe.toml import read_toml

WITH_DATA = "with_data"
"""Key of a recipe: the registered recipe that replaces it where the user gives data (``--data``)."""
log = logging.getLogger("attrxfer")


def load(source: str | Path, host: Host, overrides: Sequence[str] = (), data: Mapping[str, Any] | None = None) -> Recipe:
    """Read and check a recipe.

    Args:
        source: A file, or a registered name.
        host: The plugins.
        overrides: Settings "a.b=c" that change the recipe.
        data: Merged into the [data] table, before the overrides. A recipe that names another one for such data
            (``with_data``) is replaced by it.

    Raises:
        UnknownName: There is no such recipe.
        InvalidRecipe: Every problem of the recipe.
    """
    path = _locate(str(source), None, host)
    log.debug("recipe: %s", path)
    other = _toml(path).get(WITH_DATA)
    if data is not None and other is not None:
        if not isinstance(other, str) or other not in host.recipes():
            raise InvalidRecipe(
                str(path), [Problem(WITH_DATA, f'no recipe "{other}"{did_you_mean(str(other), host.recipes())}')]
            )
        log.warning("%s: with data of your own it is the recipe %s", source, other)
        source = other
    return complete(read(source, host), str(source), host, overrides, data)


def complete(
    table: Mapping[str, Any], source: str, host: Host, overrides: Sequence[str] = (), data: Mapping[str, Any] | None = None
) -> Recipe:
    """Check a recipe's table, of a bundle for example.

    Args:
        table: The merged table.
        source: Names the recipe in messages.
        host: The plugins.
        overrides: As in ``load``.
        data: As in ``load``.

    Raises:
        InvalidRecipe: Every problem of the recipe.
    """
    if data is not None:
        table = merge(table, {"data": dict(data)}, ())
    table, problems = apply_overrides(table, overrides)
    reference = table.get("reference")
    if isinstance(reference, str) and reference not in host.recipes():
        problems = [*problems, Problem("reference", f'no recipe "{reference}"{did_you_mean(reference, host.recipes())}')]
    return parse(table, host.registry, source, problems)


def read(source: str | Path, host: Host) -> dict[str, Any]:
    """The table of a recipe, merged with all that it extends and not yet checked.

    Raises:
        UnknownName: There is no such recipe.
        InvalidRecipe: A file is no TOML, or ``extends`` names no recipe.
    """
    return _read(_locate(str(source), None, host), host)


def _locate(source: str, beside: Path | None, host: Host) -> Path:
    """A file (also without ``.toml``, also beside the recipe that extends it), else a registered recipe."""
    near = [Path(source)] if beside is None else [beside.parent / source, beside.parent / f"{source}.toml"]
    for candidate in near:
        # a recipe may have the name of the registered one that it extends
        if candidate.is_file() and (candidate != beside or source == beside.name):
            return candidate
    recipes = host.recipes()
    if source in recipes:
        return recipes[source]
    parts = source.removesuffix(".toml").split("/")
    ends = ["/".join(parts[number:]) for number in range(len(parts))]
    guess = next((end for end in ends if end in recipes), source)
    raise UnknownName(f'no recipe "{source}": neither a file nor a registered name{did_you_mean(guess, recipes)}')


def _toml(path: Path) -> dict[str, Any]:
    try:
        return read_toml(path)
    except ValueError as error:
        raise InvalidRecipe(str(path), [Problem("", f"not TOML: {error}")]) from None


def _read(path: Path, host: Host) -> dict[str, Any]:
    """The table of a file, merged with all that it extends."""
    tables: list[dict[str, Any]] = []
    chain: dict[Path, str] = {}
    while True:
        place = path.resolve()
        if place in chain:
            names = [*list(chain.values())[list(chain).index(place) :], path.name]
            raise InvalidRecipe(str(path), [Problem("extends", f"a circle: {' -> '.join(names)}")])
        chain[place] = path.name
        table = _toml(path)
        table.pop(WITH_DATA, None)  # only of the recipe that is asked for: whoever extends it may have changed what it replaces
        base = table.pop("extends", None)
        tables.append(table)
        if base is None:
            return functools.reduce(lambda parent, child: merge(parent, child, ()), reversed(tables))
        if not isinstance(base, str):
            raise InvalidRecipe(str(path), [Problem("extends", "expected the name or path of a recipe")])
        try:
            path = _locate(base, path, host)
        except UnknownName as error:
            raise InvalidRecipe(str(path), [Problem("extends", str(error))]) from None
