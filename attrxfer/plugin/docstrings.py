"""Reads the descriptions of parameters from Google-style docstrings."""

from __future__ import annotations

import inspect

from docstring_parser import DocstringStyle, parse


def parameters(cls: type) -> dict[str, str]:
    """The descriptions in the ``Args`` and ``Attributes`` sections of a class and of its bases, by name.

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
    descriptions: dict[str, str] = {}
    for base in reversed(cls.__mro__[:-1]):
        sections = parse(inspect.getdoc(base) or "", style=DocstringStyle.GOOGLE)
        descriptions |= {item.arg_name: " ".join((item.description or "").split()) for item in sections.params}
    return descriptions
