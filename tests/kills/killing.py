"""Runs a command in a process of its own that is killed at a moment drawn at random."""

from __future__ import annotations

import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conftest import attrxfer as command

PATIENCE = 900
"""Seconds that a command may take."""
CHANGES = ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate", "os.chmod")
"""Events of Python that change a folder; files that are opened for writing do so too."""


@dataclass(frozen=True)
class Moment:
    """When a process is killed.

    Attributes:
        change: Before so many changes of files and folders; None: by time.
        seconds: After so many seconds.
    """

    change: int | None = None
    seconds: float = 0.0

    @classmethod
    def draw(cls, chance: random.Random, changes: int, seconds: float) -> Moment:
        """A moment in a job that makes so many changes and takes so many seconds; one half by changes, one by time."""
        if chance.random() < 0.5:
            return cls(change=chance.randrange(changes + 1))
        return cls(seconds=chance.uniform(0, seconds))

    def __str__(self) -> str:
        return f"at {self.seconds:.2f} s" if self.change is None else f"before change {self.change}"


@dataclass(frozen=True)
class End:
    """How a process ended.

    Attributes:
        code: Its exit code; negative: the signal.
        changes: How many changes of files and folders it made.
        seconds: How long it took.
        said: The end of what it printed, where it failed.
    """

    code: int
    changes: int
    seconds: float
    said: str

    @property
    def was_killed(self) -> bool:
        """Whether it was."""
        return self.code == -signal.SIGKILL


def run(arguments: Sequence[str | Path], folder: Path, prepare: Callable[[], object], moment: Moment | None = None) -> End:
    """Run a command, in a copy of this process, which has imported torch already and has no threads.

    Args:
        arguments: The command's arguments.
        folder: The folder of the job. It holds the cache, temporary files and a log too.
        prepare: Called in the process before.
        moment: When it is killed; None: never.
    """
    log = folder / "log"
    began = time.monotonic()
    child = os.fork()
    if not child:
        _become(arguments, folder, log, prepare, moment)
    status = 0
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            break
        gone = time.monotonic() - began
        if gone > (moment.seconds if moment is not None and moment.change is None else PATIENCE):
            os.kill(child, signal.SIGKILL)
        time.sleep(0.001)
    code = os.waitstatus_to_exitcode(status)
    made = int((folder / "changes").read_text()) if code == 0 else 0
    said = log.read_text(errors="replace")[-500:] if code > 0 else ""
    return End(code, made, time.monotonic() - began, said)


def _become(
    arguments: Sequence[str | Path], folder: Path, log: Path, prepare: Callable[[], object], moment: Moment | None
) -> None:
    """Be the command, and end with it."""
    try:
        os.environ["ATTRXFER_CACHE"] = str(folder / "cache")
        (folder / "tmp").mkdir(exist_ok=True)
        tempfile.tempdir = str(folder / "tmp")
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(output, 1)
        os.dup2(output, 2)
        prepare()
        changes = 0

        def count(event: str, values: tuple[Any, ...]) -> None:
            nonlocal changes
            if event in CHANGES or (event == "open" and values[2] & (os.O_WRONLY | os.O_RDWR) and values[0] != os.devnull):
                if moment is not None and moment.change == changes:
                    os.kill(os.getpid(), signal.SIGKILL)
                changes += 1

        sys.addaudithook(count)
        done = command(*arguments)
        print(done.stdout, done.stderr, flush=True)
        total = changes
        (folder / "changes").write_text(str(total))
        os._exit(done.returncode)
    except BaseException:
        traceback.print_exc()
        os._exit(99)
