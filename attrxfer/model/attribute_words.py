"""The attributes that results should have, in words: ``NAME=true``, ``NAME=false``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrxfer.errors import DataError


def in_words(attributes: Mapping[str, bool]) -> str:
    """As ``--attribute`` takes them.

    >>> in_words({"Male": False, "Young": True})
    'Male=false, Young=true'
    """
    return ", ".join(f"{name}={str(value).lower()}" for name, value in attributes.items())


def from_words(words: Iterable[str]) -> dict[str, bool]:
    """The attributes that some words name, each ``NAME=true`` or ``NAME=false``; of one that is named twice the last counts.

    >>> from_words(["Young=true", "Male=False"])
    {'Young': True, 'Male': False}

    Raises:
        DataError: One of the words has another form.
    """
    found = {}
    for word in words:
        name, _, wanted = word.strip().partition("=")
        if not name or wanted.lower() not in ("true", "false"):
            raise DataError(f'"{word}" is not NAME=true or NAME=false, for example Young=true')
        found[name] = wanted.lower() == "true"
    return found
