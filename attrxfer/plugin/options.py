"""Options that commands of the core and of plugins share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import click

from attrxfer.errors import DataError

Command = TypeVar("Command", bound=Callable[..., Any] | click.Command)


class FileName(click.Path):
    """A path or a URL. An empty one, as of a shell variable that is not set, is refused: it would be the current folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("an empty name; is a variable of the shell not set?", param, ctx)
        return super().convert(value, param, ctx)


PLACE = FileName()
"""The type of an option or argument that is a path or a URL."""
PATH = FileName(path_type=Path)
"""The type of an option or argument that is a path."""
DEVICE = click.option(
    "--device",
    metavar="DEVICE",
    default="cpu",
    show_default=True,
    help="Where a bundle's networks run: cpu, cuda, mps.",
)
"""The option of every command that makes results."""


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


def read_attributes(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> dict[str, bool] | None:
    """{NAME: whether} of NAME=true and NAME=false; None where there is none."""
    try:
        return from_words(value) or None
    except DataError as error:
        raise click.BadParameter(str(error)) from None


def attribute(what: str) -> Callable[[Command], Command]:
    """The option ``--attribute`` of every command that opens a bundle for one purpose.

    Args:
        what: What it means there, for the help.
    """
    return click.option(
        "--attribute",
        "attributes",
        multiple=True,
        metavar="NAME=VALUE",
        callback=read_attributes,
        help=f"{what}; repeatable.  [default: its recipe's task]",
    )
