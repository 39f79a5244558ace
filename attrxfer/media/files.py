"""The files of a transfer: which ones, and where their results go."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from attrxfer.errors import AttrxferError, DataError
from attrxfer.media.folders import is_hidden, walk


class FileTask(NamedTuple):
    """A file to be transferred.

    Attributes:
        source: The input file.
        name: Path of the result below the output folder.
        out: The output folder.
    """

    source: Path
    name: Path
    out: Path

    @property
    def target(self) -> Path:
        """The result's file."""
        return self.out / self.name


class Found(NamedTuple):
    """What is below some paths.

    Attributes:
        tasks: The files to transfer.
        others: Files of folders that are no images or videos.
        hidden: Hidden files and folders, and folders that systems make: they are left out.
        unreadable: Folders that could not be read, each with the reason.
    """

    tasks: list[FileTask]
    others: list[FileTask]
    hidden: list[Path]
    unreadable: list[str]


def list_files(paths: Sequence[Path], wanted: Callable[[Path], bool], what: str) -> Iterator[tuple[Path, Path]]:
    """Files with their names below the given paths.

    Args:
        paths: Files, which are taken as they are, and folders, which are searched (see ``folders.walk``).
        wanted: Which files of a folder are taken.
        what: What is searched for, for the message: "images".

    Yields:
        (file, name) pairs: a given file has its own name, a folder's files their paths inside it, sorted.

    Raises:
        DataError: A path does not exist, or a folder holds no such file.
    """
    return ((task.source, task.name) for task in find_tasks(paths, None, wanted, what).tasks)


def find_tasks(
    paths: Sequence[Path], out: Path | None, wanted: Callable[[Path], bool], what: str, named: str | None = None
) -> Found:
    """The files to transfer. Results of an earlier transfer, in ``out`` inside a given folder, are left out.

    Args:
        paths: Files, which are taken as they are, and folders, which are searched (see ``folders.walk``).
        out: The output folder; None: there is none, and the files are only listed.
        wanted: Which files of a folder are taken.
        what: What is searched for, for the message.
        named: Name of the result of the only file; None: its own.

    Raises:
        DataError: A path does not exist, or a folder holds no such file.
        AttrxferError: A result would overwrite an input, or two results would have one name.
    """
    found = Found([], [], [], [])
    target = out or Path()
    for path in paths:
        if path.is_file():
            found.tasks.append(FileTask(path, Path(named or path.name), target))
        elif path.is_dir():
            _search(path, out, wanted, what, found)
        else:
            raise DataError(f"{path}: no such file or folder")
    if out is not None:
        _refuse_collisions(found.tasks)
    return found


def _search(folder: Path, out: Path | None, wanted: Callable[[Path], bool], what: str, found: Found) -> None:
    """Add what a folder holds."""
    tree = walk(folder)
    own = None if out is None else out.resolve()
    inside = own is not None and folder.resolve() in own.parents
    files = [name for name in tree.files if not (inside and own in (folder / name).resolve().parents)]
    tasks = [FileTask(folder / name, name, out or Path()) for name in files if wanted(name)]
    if not tasks:
        there = f"; it holds {len(files)} other files, the first {files[0]}" if files else ""
        raise DataError(f"{folder}: no {what}{there}")
    found.tasks.extend(tasks)
    others = [name for name in files if not wanted(name)]
    found.others.extend(FileTask(folder / name, name, out or Path()) for name in others if not is_hidden(name.name))
    found.hidden.extend(folder / name for name in (*tree.hidden, *filter(lambda name: is_hidden(name.name), others)))
    found.unreadable.extend(f"{folder / name}" for name in tree.unreadable)


def _refuse_collisions(tasks: Sequence[FileTask]) -> None:
    taken: dict[Path, Path] = {}
    inputs = {task.source.resolve(): task.source for task in tasks}
    for task in tasks:
        target = task.target.resolve()
        if target in inputs:
            raise AttrxferError(f"{inputs[target]}: the result would overwrite it; choose another folder with -o")
        if target in taken:
            raise AttrxferError(
                f"{task.source} and {taken[target]} would both be written to {task.target}; transfer them apart"
            )
        taken[target] = task.source
