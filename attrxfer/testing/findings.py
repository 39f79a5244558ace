"""Runs the checks of a plugin without pytest, for ``attrxfer plugins check``."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from attrxfer.errors import AttrxferError, InvalidRecipe
from attrxfer.plugin.host import Host
from attrxfer.plugin.parameters import all_missing_for
from attrxfer.recipe import load
from attrxfer.recipe.assembly import Assembly
from attrxfer.testing.subject import NotChecked, Subject
from attrxfer.testing.suite import promises

if TYPE_CHECKING:
    import click

Status = Literal["ok", "FAILED", "skipped"]


class Finding(NamedTuple):
    """The result of one check.

    Attributes:
        status: Whether it passed.
        what: What was checked.
        reason: In one line, why it failed or was skipped.
    """

    status: Status
    what: str
    reason: str = ""


def of_component(subject: Subject) -> Iterator[Finding]:
    """The finding of each check of the component's kind; a single finding if the component cannot be built here."""
    made = promises(subject.component.kind)
    every = f"its {len(made)} checks"
    try:
        missing = all_missing_for(subject.spec())
    except Exception as error:  # a module may raise any exception at import
        yield _skipped(every, error) or Finding("FAILED", every, one_reason(error))
        return
    if missing:
        yield Finding("skipped", every, f"missing: {'; '.join(missing)}")
        return
    for promise in made:
        yield attempt(promise.__name__.removeprefix("check_").replace("_", " "), functools.partial(promise, subject))


def _skipped(what: str, error: Exception) -> Finding | None:
    """The finding for an error about settings without default, which are no failure; None for other errors."""
    if not isinstance(error, InvalidRecipe) or any(problem.message != "missing" for problem in error.problems):
        return None
    kind, _, name = error.source.partition(" ")
    keys = [problem.path.removeprefix(f"{kind}.") for problem in error.problems]
    examples = " ".join(f"--example '{kind}.{name}.{key}=...'" for key in keys)
    return Finding("skipped", what, f"{error.source} cannot be checked without {', '.join(keys)}: {examples}")


def of_recipe(name: str, host: Host) -> Finding:
    """Whether a recipe is valid, and what is missing on this machine to run it."""
    try:
        missing = Assembly(load(name, host)).missing()
    except Exception as error:  # a module may raise any exception at import
        return Finding("FAILED", name, one_reason(error).removeprefix(f"{name}: "))
    return Finding("ok", name, f"missing: {'; '.join(missing)}" if missing else "")


def of_commands(group: click.Group, taken: Collection[str]) -> Iterator[Finding]:
    """Whether a plugin's commands have names other than attrxfer's own (``taken``)."""
    for name, command in group.commands.items():
        if name in taken:
            yield Finding("FAILED", name, "hides attrxfer's own command of this name; rename it")
        else:
            yield Finding("ok", name, command.get_short_help_str(100))


def attempt(what: str, action: Callable[[], None]) -> Finding:
    """The finding of calling ``action``; an exception is its reason."""
    try:
        action()
    except NotChecked as reason:
        return Finding("skipped", what, str(reason))
    except Exception as error:  # a component may raise any exception
        return _skipped(what, error) or Finding("FAILED", what, one_reason(error))
    return Finding("ok", what)


def one_reason(error: Exception) -> str:
    """An error in one line: its message; for an assertion without message its source line; for others the place too."""
    message = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    if isinstance(error, AttrxferError):
        return message
    frames = traceback.extract_tb(error.__traceback__)
    if isinstance(error, AssertionError):
        return message or (frames[-1].line or "" if frames else "")
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {message}{place}"
