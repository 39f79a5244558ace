"""The variants of a sweep: every combination of the values that settings shall have."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from attrxfer.errors import AttrxferError
from attrxfer.workflows.trial import Variant

OPENING, CLOSING, QUOTES = "[{(", "]})", "\"'"
LONGEST = 150
"""Characters of a variant's name, which is a folder's name too."""


def combinations(recipe: str, overrides: Sequence[str]) -> tuple[list[Variant], list[str]]:
    """The variants of a recipe.

    Args:
        recipe: A recipe's file or registered name.
        overrides: Settings "a.b=c,d,e". One with a single value is the same for all variants.

    Returns:
        The variants, and the settings that all of them share.

    Raises:
        AttrxferError: Nothing varies, a setting has no value, or two variants would be named alike.
    """
    axes: list[list[str]] = []
    shared = []
    for override in overrides:
        key, equals, text = override.partition("=")
        options = [f"{key.strip()}={value}" for value in values(text)]
        if not equals or not options:
            raise AttrxferError(f'--set: "{override}" is not of the form a.b=value,value')
        if len(options) > 1:
            axes.append(list(dict.fromkeys(options)))
        else:
            shared += options
    if not axes:
        raise AttrxferError("nothing varies: give a setting several values, for example --set identity.weight=0.1,0.3,1")
    chosen = list(itertools.product(*axes))
    names = [_name(settings) for settings in chosen]
    if len(set(names)) < len(names):  # long values that begin alike
        names = [f"{number:03d}" for number in range(len(chosen))]
    return [Variant(name, recipe, settings) for name, settings in zip(names, chosen, strict=True)], shared


def values(text: str) -> list[str]:
    """The parts of a text between commas that stand in no brackets and no quotes.

    >>> values("0.1, 0.3,1"), values('[{use="a"}, {use="b"}],[]'), values('"a,b",c')
    (['0.1', '0.3', '1'], ['[{use="a"}, {use="b"}]', '[]'], ['"a,b"', 'c'])
    """
    parts, depth, quote = [""], 0, ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in QUOTES:
            quote = letter
        else:
            depth += (letter in OPENING) - (letter in CLOSING)
            if letter == "," and not depth:
                parts.append("")
                continue
        parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


def _name(settings: Sequence[str]) -> str:
    """Settings as the name of a folder."""
    return " ".join(settings).replace("/", "_").replace("\\", "_")[:LONGEST]
