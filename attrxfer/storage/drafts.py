"""Drafts: the hidden names of files and folders until they are whole. Those of killed processes are deleted."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import re
import shutil
import time
from contextlib import suppress
from pathlib import Path

NAME_BYTES = 255
"""Longest name of a file, in bytes, on the usual file systems."""
ENDING = ".draft"
RANDOM = 8
"""Characters that ``tempfile`` puts between prefix and suffix."""
NAME = re.compile(rf"\..*\.(?P<machine>[0-9a-f]{{8}})-(?P<process>\d+)-\w{{{RANDOM}}}{re.escape(ENDING)}", re.DOTALL)
REPLACED = "replaced"
"""A folder in a draft with the folder that the draft was to replace: a process may be killed between the two renames."""
ABANDONED = 86_400.0
"""Seconds after which a draft that nobody wrote to is nobody's, also where its process cannot be asked: another machine's."""
_swept: set[str] = set()


def hidden_name(path: Path, ending: str, room: int = 0) -> str:
    """A hidden name for what belongs to a file, in the same folder: ".a.png.work". It is short enough for the file system.

    Args:
        path: The file.
        ending: What follows its name: "work".
        room: Bytes that will be added.
    """
    name = f".{path.name}.{ending}"
    if len(os.fsencode(name)) + room <= NAME_BYTES:
        return name
    return f".{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:32]}.{ending}"


def prefix(path: Path) -> str:
    """How the name of a draft of ``path`` begins: it tells which process of which machine writes it."""
    return hidden_name(path, f"{_machine()}-{os.getpid()}-", RANDOM + len(ENDING))


def sweep(folder: Path) -> None:
    """Delete the drafts of killed processes in a folder, and put back what they were replacing. A process does this once for
    each folder."""
    place = str(folder.absolute())
    if place in _swept:
        return
    _swept.add(place)
    try:
        with os.scandir(folder) as entries:
            found = [(entry, match) for entry in entries if (match := NAME.fullmatch(entry.name))]
    except OSError:  # one may write here, but not read
        return
    for entry, match in found:
        if _is_abandoned(entry, match):
            _remove(Path(entry.path), is_folder=entry.is_dir(follow_symlinks=False))


def _is_abandoned(entry: os.DirEntry[str], match: re.Match[str]) -> bool:
    if match["machine"] == _machine() and os.name != "nt":
        return not is_running(int(match["process"]))
    try:
        return time.time() - entry.stat(follow_symlinks=False).st_mtime > ABANDONED
    except OSError:  # gone in the meantime
        return False


def discard(draft: Path) -> None:
    """Delete a draft that is a folder. What its folder ``REPLACED`` holds gets its name again before, where nothing has taken
    that name.

    Raises:
        OSError: It cannot get its name again; the draft stays.
    """
    for old in (draft / REPLACED).glob("*"):
        target = draft.parent / old.name
        if not target.exists():
            old.replace(target)
    shutil.rmtree(draft, ignore_errors=True)


def _remove(draft: Path, *, is_folder: bool) -> None:
    with suppress(OSError):  # another user's, for example: it stays
        if is_folder:
            discard(draft)
        else:
            draft.unlink()


def is_running(process: int) -> bool:
    """Whether this machine has a process of this number. On Windows, where that cannot be asked without harm: yes."""
    if os.name == "nt":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


@functools.cache
def _machine() -> str:
    """Names the machine; containers, whose processes are numbered apart, are machines of their own."""
    space = Path("/proc/self/ns/pid")
    numbers = space.readlink() if space.is_symlink() else ""
    return hashlib.sha256(f"{platform.node()} {numbers}".encode()).hexdigest()[:8]
