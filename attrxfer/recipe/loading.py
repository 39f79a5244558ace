"""A recipe from its file: what it extends and what ``--set`` changes laid over one another, then checked."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrxfer.errors import InvalidRecipe, Problem, UnknownName, did_you_mean
from attrxfer.plugin.host import Host
from attrxfer.recipe.merging import apply_overrides, merge
from attrxfer.recipe.parsing import parse
from attrxfer.recipe.schema import Recipe


def load(source: str | Path, host: Host, overrides: Sequence[str] = (), data: Mapping[str, Any] | None = None) -> Recipe:
    """Read, merge and check a recipe, given by a file's path or a registered name.

    ``data`` is laid over the [data] table as a child's would be, then ``overrides``, texts ``a.b=c``. Raises UnknownName
    for the recipe itself, InvalidRecipe with every problem of its content at once.
    """
    return complete(read(source, host), str(source), host, overrides, data)


def complete(
    table: Mapping[str, Any], source: str, host: Host, overrides: Sequence[str] = (), data: Mapping[str, Any] | None = None
) -> Recipe:
    """Check a merged table, a bundle's for example, after ``data`` and ``overrides`` were laid over it as ``load`` does."""
    if data is not None:
        table = merge(table, {"data": dict(data)}, ())
    table, problems = apply_overrides(table, overrides)
    reference = table.get("reference")
    if isinstance(reference, str) and reference not in host.recipes():
        problems = [*problems, Problem("reference", f'no recipe "{reference}"{did_you_mean(reference, host.recipes())}')]
    return parse(table, host.registry, source, problems)


def read(source: str | Path, host: Host) -> dict[str, Any]:
    """The merged, unchecked table of a recipe and all it extends. Raises InvalidRecipe."""
    return _read(_locate(str(source), None, host), host, ())


def _locate(source: str, beside: Path | None, host: Host) -> Path:
    """A file (also without ``.toml``, also beside the recipe that extends it), else a registered recipe."""
    near = [Path(source)] if beside is None else [beside.parent / source, (beside.parent / source).with_suffix(".toml")]
    for candidate in near:
        if candidate.is_file() and candidate != beside:
            return candidate
    recipes = host.recipes()
    if source in recipes:
        return recipes[source]
    raise UnknownName(f'no recipe "{source}": neither a file nor a registered name{did_you_mean(source, recipes)}')


def _read(path: Path, host: Host, above: tuple[Path, ...]) -> dict[str, Any]:
    if path.resolve() in above:
        chain = " -> ".join(p.name for p in (*above, path))
        raise InvalidRecipe(str(path), [Problem("extends", f"a circle: {chain}")])
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidRecipe(str(path), [Problem("", f"not TOML: {error}")]) from None
    base = table.pop("extends", None)
    if base is None:
        return table
    if not isinstance(base, str):
        raise InvalidRecipe(str(path), [Problem("extends", "expected the name or path of a recipe")])
    try:
        parent = _read(_locate(base, path, host), host, (*above, path.resolve()))
    except UnknownName as error:
        raise InvalidRecipe(str(path), [Problem("extends", str(error))]) from None
    return merge(parent, table, ())
