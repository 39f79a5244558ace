"""The boundary of the command line: one line and an exit code for what is no bug, and a traceback for what is."""

from __future__ import annotations

import errno
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from attrxfer.cli.boundary import LONGEST, Group, escape_what_the_terminal_lacks, goes_on_with, refused
from attrxfer.errors import DataError, NonFiniteLoss
from tests.conftest import attrxfer


def ended(error: BaseException, *arguments: str) -> tuple[int, str]:
    """Exit code and stderr of a command that ends with this error."""

    @click.group(cls=Group)
    def cli() -> None: ...

    @cli.command(context_settings={"ignore_unknown_options": True})
    @click.argument("files", nargs=-1)
    def work(files: tuple[str, ...]) -> None:
        goes_on_with("--skip-existing")
        raise error

    result = CliRunner().invoke(cli, ["work", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stderr


def of_library(module: str, message: str) -> Exception:
    """An exception as a library defines it."""
    kind: type[Exception] = type("LibraryError", (Exception,), {"__module__": module})
    return kind(message)


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (DataError("a.csv: no rows"), 2, "a.csv: no rows"),
        (NonFiniteLoss("T = nan"), 3, "T = nan"),
        (OSError(errno.ENOSPC, "No space left on device", "runs/a"), 2, "runs/a: No space left on device"),
        (OSError(errno.EIO, "Input/output error"), 2, "Input/output error"),
        (PermissionError(errno.EACCES, "Permission denied", b"x\xff"), 2, r"b'x\xff': Permission denied"),
        (of_library("safetensors_rust", "HeaderTooLarge"), 2, "a file cannot be read or written: HeaderTooLarge"),
        (of_library("PIL.Image", "image file is\ntruncated"), 2, "a file cannot be read or written: image file is truncated"),
        (of_library("onnxruntime.capi", "INVALID_PROTOBUF"), 2, "a file cannot be read or written: INVALID_PROTOBUF"),
        (MemoryError(), 2, "not enough memory (MemoryError)"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: 9 bytes"), 2, "not enough memory (DefaultCPUAllocator"),
        (DataError("a\x1b[31m\udce9"), 2, r"a\x1b[31m\xe9"),
    ],
)
def test_a_fault_of_the_input_or_the_machine_is_one_line(error: Exception, code: int, said: str) -> None:
    exit_code, stderr = ended(error)
    assert exit_code == code and stderr.startswith(f"attrxfer: {said}") and stderr.count("\n") == 1


def test_an_empty_name_is_refused() -> None:
    for arguments in (["transfer", "gender", ""], ["transfer", "gender", "a.jpg", "-o", ""], ["data", "inspect", ""]):
        result = attrxfer(*arguments)
        assert result.returncode == 2 and "an empty name; is a variable of the shell not set?" in result.stderr


def test_a_file_of_the_cache_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTRXFER_CACHE", "/dev/null/x")
    said = refused(NotADirectoryError(errno.ENOTDIR, "Not a directory", "/dev/null/x/images"))
    assert str(said).endswith("images: Not a directory; it is in the cache, whose folder can be named in $ATTRXFER_CACHE")
    assert "ATTRXFER" not in str(refused(NotADirectoryError(errno.ENOTDIR, "Not a directory", "/dev/null/y")))


def test_a_line_ends_somewhere() -> None:
    assert len(ended(DataError("9" * 100_000))[1]) < LONGEST + 100


@pytest.mark.parametrize(
    "bug", [ValueError("x"), KeyError("x"), AssertionError(), TypeError("x"), RecursionError(), RuntimeError("x")]
)
def test_a_bug_keeps_its_traceback(bug: Exception) -> None:
    assert refused(bug) is None
    with pytest.raises(type(bug)):
        ended(bug)


def test_ctrl_c_ends_with_130_and_the_command_that_goes_on() -> None:
    code, stderr = ended(KeyboardInterrupt(), "a b.jpg", "-o", "out")
    assert code == 130 and stderr == "attrxfer: stopped; go on with: attrxfer work --skip-existing 'a b.jpg' -o out\n"
    assert shlex.split(stderr)[5:] == ["attrxfer", "work", "--skip-existing", "a b.jpg", "-o", "out"]
    assert ended(KeyboardInterrupt(), "--skip-existing", "a")[1].endswith("attrxfer work --skip-existing a\n"), "not twice"


SIGNALLED = """
import os, signal, sys, time
import click
from attrxfer.cli.boundary import Group

number = getattr(signal, sys.argv[1])
own = {"default": signal.SIG_DFL, "ignored": signal.SIG_IGN, "handled": lambda number, frame: print("seen")}[sys.argv[2]]
signal.signal(number, own)

@click.group(cls=Group)
def cli(): ...

@cli.command()
def work():
    os.kill(os.getpid(), number)
    time.sleep(0.1)
    click.echo("went on")

try:
    cli(["work"])
finally:
    print(signal.getsignal(number) is own)
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
@pytest.mark.parametrize(
    ("before", "code", "said"),
    [("default", 130, ["True"]), ("ignored", 0, ["went on", "True"]), ("handled", 0, ["seen", "went on", "True"])],
)
def test_other_signals_end_as_ctrl_c_does_unless_they_are_handled_or_ignored(
    name: str, before: str, code: int, said: list[str]
) -> None:
    process = subprocess.run([sys.executable, "-c", SIGNALLED, name, before], capture_output=True, text=True, check=False)
    assert (process.returncode, process.stdout.splitlines()) == (code, said), process.stderr
    assert process.stderr == ("attrxfer: stopped; go on with: attrxfer work\n" if code else "")


def test_what_a_terminal_cannot_show_becomes_an_escape(tmp_path: Path) -> None:
    with (tmp_path / "out").open("w", encoding="ascii") as stream:
        escape_what_the_terminal_lacks((stream, object()))
        print("Größe → x", file=stream)
    assert (tmp_path / "out").read_text(encoding="ascii") == "Gr\\xf6\\xdfe \\u2192 x\n"


@pytest.mark.slow
def test_a_pipe_whose_reader_left_is_silent() -> None:
    code = "import sys; sys.argv = ['attrxfer', *sys.argv[1:]]; from attrxfer.cli import main; main()"
    for arguments in (["components"], ["recipe", "ls"], ["--help"]):
        process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        process.wait()
