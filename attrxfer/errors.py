"""One exception family. Every error is written for the person who meets it: what is wrong, where, and the remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing wrong in what the user handed in: ``path`` names the place ("identity.layers"), ``message`` the remedy."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class AttrxferError(Exception):
    """Base of all errors a user can cause or mend. ``exit_code`` is what the command line ends with."""

    exit_code = 2


class InvalidRecipe(AttrxferError):
    """All problems of a recipe at once."""

    def __init__(self, source: str, problems: Sequence[Problem]) -> None:
        self.source = source
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{source}: {problem}" for problem in self.problems))

    def __reduce__(self) -> tuple[type[InvalidRecipe], tuple[str, tuple[Problem, ...]]]:
        """Pickled as it is made; an exception's own way would call it with the message alone."""
        return type(self), (self.source, self.problems)


class UnknownName(AttrxferError):
    """A name nobody registered; the message offers the nearest ones."""


class PluginError(AttrxferError):
    """A plugin that cannot be loaded, or two that claim the same name."""


class DataError(AttrxferError):
    """Images or labels that cannot be used for the task."""


class BundleError(AttrxferError):
    """A bundle or checkpoint that is incomplete, changed or of another version."""


class NonFiniteLoss(AttrxferError):
    """A loss became NaN or infinite; the last good checkpoint is kept."""

    exit_code = 3


class Interrupted(AttrxferError):
    """The run was stopped by the user (Ctrl-C, SIGTERM, a closed terminal) and can go on."""

    exit_code = 130


SHOWN = 20
"""Known names that an error lists at most."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of an error that names something unknown: the nearest name, else the known names, else nothing.

    >>> did_you_mean("adaptve", ["adaptive", "pixels"])
    '; did you mean "adaptive"?'
    >>> did_you_mean("zzz", ["adaptive", "pixels"])
    '; known: adaptive, pixels'
    >>> did_you_mean("zzz", [f"recipe_{number:02}" for number in range(22)])[-20:]
    'recipe_19 and 2 more'
    >>> did_you_mean("zzz", [])
    ''
    """
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f'; did you mean "{near[0]}"?'
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"; known: {', '.join(names[:SHOWN])}{more}" if names else ""


def printable(name: str) -> str:
    r"""A file's name as any terminal takes it: bytes that are not UTF-8, and control characters, become escapes.

    >>> printable("caf\udce9.jpg"), printable("a\nb\x1b[31m")
    ('caf\\xe9.jpg', 'a\\x0ab\\x1b[31m')
    >>> printable("café.jpg") == "café.jpg"
    True
    """
    return "".join(letter if letter.isprintable() else _escape(ord(letter)) for letter in name)


def shorten(text: str, most: int = 120) -> str:
    """The beginning of a text that would fill the screen.

    >>> shorten("9" * 5000, 4)
    '9999 ...'
    """
    return text if len(text) <= most else f"{text[:most]} ..."


def one_line(error: BaseException) -> str:
    """An exception's message in one line; its type if the message is empty.

    >>> one_line(ValueError("first\\n  second"))
    'first second'
    """
    return " ".join(str(error).split()) or type(error).__name__


def in_a_line(error: BaseException, most: int = 200) -> str:
    r"""What an exception of a library says, in one line that any terminal takes; its kind where it says nothing.

    >>> in_a_line(ValueError("no\nimage")), in_a_line(AssertionError())
    ('no image', 'AssertionError')
    """
    return shorten(printable(getattr(error, "strerror", None) or one_line(error)), most)


def _escape(code: int) -> str:
    byte = code - 0xDC00 if 0xDC80 <= code <= 0xDCFF else code  # how Python keeps a name's bytes that are not UTF-8
    return f"\\x{byte:02x}" if byte <= 0xFF else f"\\u{byte:04x}"
