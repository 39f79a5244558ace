"""Components as a command line names them: by a name, or by a table of TOML."""

from __future__ import annotations

from attrxfer.errors import AttrxferError, InvalidRecipe, shorten
from attrxfer.plugin.parameters import Spec, check, is_table, named
from attrxfer.plugin.registry import Registry
from attrxfer.recipe.toml import parse_toml


def spec_of(kind: str, text: str, registry: Registry, size: int | None = None) -> Spec:
    """The settings of a component that a command names.

    Args:
        kind: The component's kind.
        text: The registered name, or a table of TOML with ``use`` and settings.
        registry: The components.
        size: Value of the parameter ``size``, if it has one.

    Raises:
        UnknownName: There is no such component.
        AttrxferError: The table is no TOML.
        InvalidRecipe: A setting is wrong or missing.
    """
    if not is_table(text):
        return named(kind, text, registry, size=size)
    try:
        table = parse_toml(f"{kind} = {text}")[kind]
    except ValueError as error:
        raise AttrxferError(f"{shorten(text)}: no table of TOML ({error})") from None
    spec, problems = check(kind, table, registry, path=kind, shared={} if size is None else {"size": size})
    if spec is None:
        raise InvalidRecipe(text, problems)
    return spec
