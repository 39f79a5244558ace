"""Runs an action on a spoilt input in a process of its own, and says what became of it."""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from attrxfer.errors import AttrxferError, InvalidRecipe
from tests.conftest import attrxfer as command

SECONDS, MEGABYTES = 10.0, 1000.0
"""Processor time and memory of a process that a case may take."""
PATIENCE = 900
"""Seconds after which a process is killed, however little processor time it has had: other programs may share the machine."""
LONGEST_LINE = 1000
"""Characters of an error, at most."""
WRITTEN = ("out", "tmp", "cwd")
"""Folders of a case: for results, for temporary files, and the one that it is in."""
OF_TORCH = "torchinductor_"
"""A folder that torch leaves among the temporary files when a network is exported."""
OF_A_RUN = ".lock"
"""A run's folder keeps it."""
MARK = "code-was-run"
"""What code that is hidden in an input writes: a file of this name."""
STARTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "pty.spawn", "socket.connect", "pickle.find_class")
"""Events of Python that no input may cause."""


@dataclass(frozen=True)
class Outcome:
    """What one action made of one spoilt input.

    Attributes:
        kind: Of the input: "images".
        case: Its number, from which it can be made again.
        action: What was done with it.
        spoilt: What was done to it.
        result: "works", "refused", or what should not have happened.
        seconds: Processor time that it took.
        megabytes: Memory that the process had at most, with Python and all libraries.
        message: The error's message.
    """

    kind: str
    case: int
    action: str
    spoilt: str
    result: str
    seconds: float = 0.0
    megabytes: float = 0.0
    message: str = ""

    @property
    def is_sound(self) -> bool:
        """Whether nothing went wrong."""
        return self.result in ("works", "refused")


class Kind(ABC):
    """A kind of input that a stranger may hand in.

    Attributes:
        goods: A folder with what all cases need: good inputs, a bundle.
        folder: The folder of the case.
    """

    name: ClassVar[str]
    more_seconds: ClassVar[Mapping[str, float]] = {}
    """What an action takes with a sound input, by its name, where that is long: so much more than ``SECONDS`` is allowed."""

    def __init__(self, goods: Path, folder: Path) -> None:
        self.goods = goods
        self.folder = folder

    @property
    def input(self) -> Path:
        """The folder of the spoilt input."""
        return self.folder / "in"

    @property
    def out(self) -> Path:
        """What results are written into."""
        return self.folder / "out"

    def prepare(self) -> None:  # noqa: B027 (most kinds need nothing)
        """Write good inputs of this kind into ``goods``; once."""

    @abstractmethod
    def spoil(self, chance: random.Random) -> str:
        """Write a spoilt input into the folder ``input``; returns what was done to it."""

    @abstractmethod
    def actions(self) -> Mapping[str, Callable[[], object]]:
        """What is done with it, by names. Case n gets the n-th."""


def run(kind: Kind, cases: range) -> Iterator[Outcome]:
    """Spoil an input in many ways, and do with each what a user does with a stranger's.

    Args:
        kind: The kind of input.
        cases: Seeds of the spoilt inputs.
    """
    names = list(kind.actions())
    for case in cases:
        for part in ("in", *WRITTEN):
            (kind.folder / part).mkdir(parents=True)
        action = names[case % len(names)]
        yield _outcome(kind, case, action)
        shutil.rmtree(kind.folder)


def in_child(work: Callable[[], Any]) -> tuple[dict[str, Any] | None, int, resource.struct_rusage]:
    """Do work in a copy of this process; what it returns, as JSON takes it, the exit code, and what it used."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        try:
            content = json.dumps(work()).encode()
        except BaseException:
            traceback.print_exc()
            os._exit(99)
        os.write(writer, content[:60_000])
        os._exit(0)
    os.close(writer)
    until = time.monotonic() + PATIENCE
    while True:
        pid, status, used = os.wait4(child, os.WNOHANG)
        if pid:
            break
        if time.monotonic() > until:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.005)
    with os.fdopen(reader, "rb") as pipe:
        content = pipe.read()
    code = os.waitstatus_to_exitcode(status)
    return (json.loads(content) if code == 0 else None), code, used


def _outcome(kind: Kind, case: int, action: str) -> Outcome:
    answer, code, used = in_child(lambda: asdict(_tried(kind, case, action)))
    seconds, megabytes = used.ru_utime + used.ru_stime, used.ru_maxrss / 1000
    seconds = answer["seconds"] if answer is not None else seconds
    if answer is None:
        return Outcome(kind.name, case, action, "", f"ended by {signal.Signals(-code).name if code < 0 else code}", seconds)
    result = answer["result"]
    if result in ("works", "refused"):
        result = _traces(kind) or result
        allowed = SECONDS + kind.more_seconds.get(action, 0.0)
        result = f"more than {allowed:.0f} s" if seconds > allowed else result
        result = f"more than {MEGABYTES:.0f} MB" if megabytes > MEGABYTES else result
    return Outcome(**{**answer, "result": result, "megabytes": megabytes})


def _traces(kind: Kind) -> str:
    """What should not be there after a case."""
    for part in ("tmp", "cwd"):
        found = (path for path in (kind.folder / part).rglob("*") if not path.name.startswith(OF_TORCH))
        left = [str(path.relative_to(kind.folder)) for path in found]
        if left:
            return f"left behind: {left[0]}"
    outside = sorted(path.name for path in kind.folder.iterdir() if path.name not in ("in", *WRITTEN))
    if outside:
        return f"file outside: {outside[0]}"
    hidden = sorted(path.name for path in kind.out.rglob(".*") if path.name != OF_A_RUN)
    return f"left behind: {hidden[0]}" if hidden else ""


def _tried(kind: Kind, case: int, action: str) -> Outcome:
    said = kind.spoil(random.Random(case))
    os.environ["HOME"] = str(kind.goods)  # ONNX Runtime and OpenVINO write into it when they are imported
    tempfile.tempdir = str(kind.folder / "tmp")
    os.chdir(kind.folder / "cwd")
    began = time.process_time()  # spoiling may have taken long
    limit = int(began + SECONDS * 3)
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
    resource.setrlimit(resource.RLIMIT_DATA, (8 << 30, 8 << 30))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)  # libraries in C print what they like
    os.dup2(silent, 2)
    seen: list[str] = []
    allowed = (str(kind.folder), str(kind.goods), os.environ["ATTRXFER_CACHE"], os.devnull)
    sys.addaudithook(lambda event, arguments: _watch(event, arguments, allowed, seen))
    result, message = _judged(kind.actions()[action])
    seconds = time.process_time() - began
    if any(kind.folder.rglob(MARK)):
        result, message = "code run", said
    elif seen:
        result = seen[0]
    return Outcome(kind.name, case, action, said[:200], result, seconds, message=message[:400])


def _watch(event: str, arguments: tuple[Any, ...], allowed: tuple[str, ...], seen: list[str]) -> None:
    """Note what no input may cause: other programs, connections, files that are written elsewhere."""
    if event in STARTS and arguments[0] != "uname":  # Python's own platform module asks for the processor
        seen.append(f"{event} {arguments[:2]}"[:100])
    elif event == "open" and isinstance(arguments[0], str | bytes) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        path = os.path.abspath(os.fsdecode(arguments[0]))  # noqa: PTH100 (no new objects in a hook)
        if not path.startswith(allowed):
            seen.append(f"file outside: {path}"[:100])


def printed(*arguments: str | Path, codes: tuple[int, ...] = (0,)) -> None:
    """Run a command; what it prints is safe for a terminal, its exit code is one of these, and an error is short lines.

    Raises:
        AttrxferError: It refused the input, with exit code 2.
        ValueError: It printed control characters, long lines, or ended with another code.
    """
    done = command(*arguments)
    shown = done.stdout + done.stderr
    if not shown.replace("\n", "").isprintable():
        raise ValueError(f"prints control characters: {shown[-300:]!r}")
    if max(map(len, done.stderr.splitlines()), default=0) > LONGEST_LINE:
        raise ValueError(f"prints a long line: {max(done.stderr.splitlines(), key=len)[:300]!r}")
    if "Traceback (most recent call last)" in shown:
        raise ValueError(f"prints a traceback: {shown[-300:]!r}")
    if done.returncode == AttrxferError.exit_code:
        raise InvalidRecipe("", []) if not done.stderr else AttrxferError(done.stderr.removesuffix("\n"))
    if done.returncode not in codes:
        raise ValueError(f"exit code {done.returncode}: {shown[-300:]}")


def _judged(action: Callable[[], object]) -> tuple[str, str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            action()
    except AttrxferError as error:
        message = str(error)
        safe = message.replace("\n", "").isprintable() and max(map(len, message.splitlines()), default=0) <= LONGEST_LINE
        return ("refused" if message and safe else "no short line"), message
    except Exception as error:  # the fault that is looked for
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}:{place.lineno}"
        return f"{type(error).__name__} at {where}", " ".join(str(error).split())
    return "works", ""
