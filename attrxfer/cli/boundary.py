"""The boundary of the command line: what the input or the machine is to blame for is one line. A traceback is our own bug."""

from __future__ import annotations

import shlex
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import click

from attrxfer.cli import verbosity
from attrxfer.errors import AttrxferError, Interrupted, one_line, printable, shorten
from attrxfer.plugin import distribution
from attrxfer.storage.cache import cache_folder

READERS = {
    *("PIL", "av", "safetensors", "safetensors_rust", "onnx", "onnxruntime", "openvino", "google"),
    *("zipfile", "zlib", "_lzma", "h5py"),
}
"""Top modules of libraries that read and write files: their own exceptions are a file's fault."""
NO_MEMORY = ("can't allocate memory", "out of memory")
"""How torch says it."""
LONGEST = 900
"""Characters of a line, at most: a stranger's file may have names of any length."""
STOPPED = "attrxfer.stopped"
"""Key in click's ``meta``: options that the command needs to go on where it was stopped."""
COMMAND = "attrxfer.command"
"""Key in click's ``meta``: the command's arguments."""


class Group(click.Group):
    """Prints what a user can mend as one line, without a traceback, and ends with the exit code."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[COMMAND] = list(args)
        return super().parse_args(ctx, args)

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Add a command, with the options that every command has."""
        verbosity.add_to(cmd)
        super().add_command(cmd, name)

    def invoke(self, ctx: click.Context) -> object:
        try:
            with ended_as_by_ctrl_c(), distribution.training_packages():
                return super().invoke(ctx)
        except BrokenPipeError:  # the reader of a pipe has left, as head does: click ends without a word
            raise
        except KeyboardInterrupt:
            end(Interrupted(f"stopped; go on with: {again(ctx)}"))
        except Exception as error:
            refusal = refused(error)
            if refusal is None:
                raise
            if verbosity.is_verbose(ctx):
                traceback.print_exc()
            end(refusal)


@contextmanager
def ended_as_by_ctrl_c() -> Iterator[None]:
    """Inside, SIGTERM and SIGHUP (a closed terminal) do what Ctrl-C does, where nobody else handles or ignores them."""
    own = threading.current_thread() is threading.main_thread()
    names = ("SIGTERM", "SIGHUP") if own else ()
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]  # Windows has no SIGHUP
    free = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]
    for number in free:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number in free:
            signal.signal(number, signal.SIG_DFL)


def goes_on_with(*options: str) -> None:
    """State what the current command needs to go on where Ctrl-C stopped it."""
    click.get_current_context().meta[STOPPED] = options


def again(ctx: click.Context) -> str:
    """The command that goes on with a stopped one."""
    name, *arguments = ctx.meta[COMMAND]
    more = [option for option in ctx.meta.get(STOPPED, ()) if option not in arguments]
    return shlex.join(["attrxfer", name, *more, *arguments])


def refused(error: Exception) -> AttrxferError | None:
    """An exception that is the input's or the machine's fault, in a line that names the file; None where it is a bug."""
    if isinstance(error, AttrxferError):
        return error
    module = type(error).__module__.partition(".")[0]
    said = one_line(error)
    place = f"{printable(str(name))}: " if (name := getattr(error, "filename", None)) else ""
    if isinstance(error, OSError):
        return AttrxferError(f"{place}{error.strerror or said}{_remedy(name)}")
    if isinstance(error, MemoryError) or any(words in said for words in NO_MEMORY):
        return AttrxferError(f"not enough memory ({shorten(said)})")
    if module in READERS:
        return AttrxferError(f"{place or 'a file cannot be read or written: '}{said}")
    return None


def _remedy(name: object) -> str:
    """What can be done where a file of the cache cannot be read or written."""
    in_cache = isinstance(name, str | Path) and Path(name).is_relative_to(cache_folder())
    return "; it is in the cache, whose folder can be named in $ATTRXFER_CACHE" if in_cache else ""


def end(error: AttrxferError) -> NoReturn:
    """Print an error and end the process with its exit code."""
    lines = [shorten(printable(line), LONGEST) for line in str(error).split("\n")]
    click.echo("\n".join(lines) if len(lines) > 1 else f"attrxfer: {lines[0]}", err=True)
    sys.exit(error.exit_code)


def escape_what_the_terminal_lacks(streams: Sequence[object]) -> None:
    """Let streams that are not UTF-8 show other characters as escapes, where they would fail."""
    for stream in streams:
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
