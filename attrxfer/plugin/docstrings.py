"""Reads the descriptions of parameters from Google-style docstrings."""

from __future__ import annotations

import inspect
import re

SECTION = re.compile(r"^(?:Args|Attributes):\n((?:(?: {4}.*)?\n)*)", re.M)
ENTRY = re.compile(r"^ {4}(\w+): ", re.M)


def parameters(cls: type) -> dict[str, str]:
    """The descriptions in the ``Args`` or ``Attributes`` section of a class and of its bases, by name.

    >>> class Loss:
    ...     '''A loss.
    ...
    ...     Args:
    ...         weight: Its share of
    ...             the sum.
    ...     '''
    >>> parameters(Loss)
    {'weight': 'Its share of the sum.'}
    """
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__[:-1]):
        for section in SECTION.findall(f"{inspect.getdoc(base) or ''}\n"):
            pieces = ENTRY.split(section)[1:]
            found |= {name: " ".join(text.split()) for name, text in zip(pieces[::2], pieces[1::2], strict=True)}
    return found
