"""TOML of strangers: what is no TOML, nested too deeply or holds too large numbers is refused in one line."""

from __future__ import annotations

import codecs
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

DEEPEST = 32
"""Levels of tables and arrays, at most."""
LARGEST = 2**63
"""TOML's whole numbers are smaller."""


def read_toml(path: Path) -> dict[str, Any]:
    """Read a file in UTF-8, or in UTF-16 with a byte order mark, as Windows PowerShell writes it.

    Raises:
        ValueError: See ``parse_toml``; or it is in another encoding.
        OSError: It cannot be read.
    """
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-16" if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ValueError(f"not in UTF-8 (line {line}): save it in UTF-8") from None
    return parse_toml(text.replace("\r\n", "\n"))


def parse_toml(text: str) -> dict[str, Any]:
    """Read TOML.

    Raises:
        ValueError: It is no TOML (``tomllib.TOMLDecodeError``), nested more than ``DEEPEST`` levels deep, or holds numbers that
            TOML does not have.
    """
    try:
        table = tomllib.loads(text)
    except RecursionError:
        raise ValueError(f"nested more than {DEEPEST} levels deep") from None
    except tomllib.TOMLDecodeError:
        raise
    except ValueError:  # Python reads no longer numbers
        raise ValueError("a whole number of more than 64 bits") from None
    _check(table)
    return table


def _check(table: dict[str, Any]) -> None:
    """Go through all values level by level: what is nested deeply must not be followed by recursion."""
    level: list[Any] = [table]
    for _ in range(DEEPEST):
        if any(isinstance(value, int) and not -LARGEST <= value < LARGEST for value in level):
            raise ValueError("a whole number of more than 64 bits")
        level = [inner for value in level for inner in _inside(value)]
        if not level:
            return
    raise ValueError(f"nested more than {DEEPEST} levels deep")


def _inside(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
