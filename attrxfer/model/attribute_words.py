"""The attributes that results should have, in words: ``NAME=true``, ``NAME=false``."""

from __future__ import annotations

from collections.abc import Mapping


def in_words(attributes: Mapping[str, bool]) -> str:
    """As ``--attribute`` takes them.

    >>> in_words({"Male": False, "Young": True})
    'Male=false, Young=true'
    """
    return ", ".join(f"{name}={str(value).lower()}" for name, value in attributes.items())
