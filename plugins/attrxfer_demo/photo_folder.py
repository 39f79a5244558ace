"""The folder of the photos that the page was given: what is old is deleted, and all of it with the page, or at the next start
where the page was killed."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrxfer.storage.drafts import is_running

PREFIX = "attrxfer-demo-"


@contextmanager
def photo_folder() -> Iterator[Path]:
    """A new folder, named after this process; deleted at the end."""
    with tempfile.TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-") as name:
        yield Path(name).resolve()


@contextmanager
def deleting_old(folder: Path, every: float, age: float) -> Iterator[None]:
    """Inside the context, delete what is old in a folder. gradio deletes only files that it was handed, and not what was
    written for a visitor who had gone.

    Args:
        folder: The folder.
        every: Seconds between two searches.
        age: As for ``delete_old``.
    """
    ended = threading.Event()

    def search() -> None:
        while not ended.wait(every):
            delete_old(folder, age)

    thread = threading.Thread(target=search, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def delete_old(folder: Path, age: float) -> None:
    """Delete the files of a folder that were not written for ``age`` seconds, and its folders in which nothing was."""
    for inside in folder.iterdir():
        try:
            newest = max(path.lstat().st_ctime for path in (inside, *inside.rglob("*")))
            if time.time() - newest <= age:
                continue
            shutil.rmtree(inside) if inside.is_dir() else inside.unlink()
        except OSError:  # gradio has just deleted a part, or Windows still sends it: the next search sees the rest
            continue


def sweep() -> int:
    """Delete the folders of pages that were killed; how many they were. Other users' folders stay."""
    swept = 0
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if _is_own(folder) and not _is_in_use(folder):
            shutil.rmtree(folder, ignore_errors=True)
            swept += not folder.exists()
    return swept


def _is_own(folder: Path) -> bool:
    if folder.is_symlink() or not folder.is_dir():
        return False
    return not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid()


def _is_in_use(folder: Path) -> bool:
    """Whether the page of a folder still runs. On Windows, where that cannot be asked without harm, it counts as running."""
    number = folder.name.removeprefix(PREFIX).partition("-")[0]
    return number.isdecimal() and is_running(int(number))
