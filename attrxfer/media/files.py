"""The files of a transfer: which ones, and where their results go."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, cast

from attrxfer.errors import AttrxferError, DataError
from attrxfer.media import buckets
from attrxfer.media.buckets import Place, Url
from attrxfer.media.folders import Tree, is_hidden, walk


class FileTask(NamedTuple):
    """A file to be transferred.

    Attributes:
        source: The input file.
        name: Path of the result below the output folder.
        out: The output folder.
    """

    source: Place
    name: Path
    out: Place

    @property
    def target(self) -> Place:
        """The result's file."""
        return self.out / self.name


class LocalTask(NamedTuple):
    """A file to be transferred, as a processor gets it: on this machine.

    Attributes:
        source: The input file.
        target: The result's file.
    """

    source: Path
    target: Path


class Found(NamedTuple):
    """What is below some paths.

    Attributes:
        tasks: The files to transfer.
        others: Files of folders that are no images or videos.
        hidden: Hidden files and folders, and folders that systems make: they are left out.
        unreadable: Folders, and paths of a list, that could not be read, each with the reason.
        folders: Which of the paths are folders.
        repeated: Paths that are named once more, also by a folder that holds them.
    """

    tasks: list[FileTask]
    others: list[FileTask]
    hidden: list[Place]
    unreadable: list[str]
    folders: list[Place]
    repeated: list[Place]


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
    tasks = find_tasks(paths, None, wanted, what).tasks
    return ((cast(Path, task.source), task.name) for task in tasks)  # below local paths, all are local


def find_tasks(
    paths: Sequence[Place],
    out: Place | None,
    wanted: Callable[[Path], bool],
    what: str,
    named: str | None = None,
    *,
    listed: bool = False,
) -> Found:
    """The files to transfer. Results of an earlier transfer, in ``out`` inside a given folder, are left out.

    Args:
        paths: Files, which are taken as they are, and folders, which are searched (see ``folders.walk``). A URL that is named
            as the wanted files are is a file; whether it exists shows when it is fetched.
        out: The output folder; None: there is none, and the files are only listed.
        wanted: Which files of a folder are taken, by name.
        what: What is searched for, for the message.
        named: Name of the result of the only file; None: its own.
        listed: The paths are from a list, perhaps a long one: what is named as the wanted files are and does not exist is a
            task that will fail, and other errors are in ``unreadable``.

    Raises:
        DataError: A path that is not from a list does not exist, a folder holds no such file, or a bucket cannot be read.
        AttrxferError: A result would overwrite an input, or two results would have one name.
    """
    found = Found([], [], [], [], [], [])
    known: set[Place] = set()
    for path in paths:
        if path in known:
            found.repeated.append(path)
            continue
        known.add(path)
        try:
            tree = _tree(path, wanted, listed=listed)
            if tree is None:
                found.tasks.append(FileTask(path, Path(named or path.name), out or Path()))
            else:
                found.folders.append(path)
                _search(path, tree, out, wanted, what, found)
        except DataError as error:
            if not listed:
                raise
            found.unreadable.append(str(error))
    _take_once(found)
    if out is not None:
        _refuse_collisions(found.tasks)
    return found


def _tree(path: Place, wanted: Callable[[Path], bool], *, listed: bool) -> Tree | None:
    """What a folder holds; None where the path is to be taken as a file."""
    if isinstance(path, Url):
        return None if wanted(Path(path.name)) else buckets.walk(path)
    if path.is_dir():
        return walk(path)
    if path.is_file() or (listed and wanted(path)):
        return None
    near = difflib.get_close_matches(path.name, _names(path.parent), n=1)
    raise DataError(f"{path}: no such file or folder" + (f'; did you mean "{path.parent / near[0]}"?' if near else ""))


def _names(folder: Path) -> list[str]:
    """What is in a folder; nothing where it cannot be read."""
    try:
        return [path.name for path in folder.iterdir()]
    except OSError:
        return []


def _search(folder: Place, tree: Tree, out: Place | None, wanted: Callable[[Path], bool], what: str, found: Found) -> None:
    """Add what a folder holds."""
    inside = out is not None and _is_below(out, folder)
    files = [name for name in tree.files if not (inside and out is not None and _is_below(folder / name, out))]
    tasks = [FileTask(folder / name, name, out or Path()) for name in files if wanted(name)]
    if not tasks:
        counted = f"{len(files)} other files, the first" if len(files) > 1 else "one other file,"
        there = f"; it holds {counted} {files[0]}" if files else ""
        raise DataError(f"{folder}: no {what}{there}")
    found.tasks.extend(tasks)
    others = [name for name in files if not wanted(name)]
    found.others.extend(FileTask(folder / name, name, out or Path()) for name in others if not is_hidden(name.name))
    found.hidden.extend(folder / name for name in (*tree.hidden, *filter(lambda name: is_hidden(name.name), others)))
    found.unreadable.extend(f"{folder / name}" for name in tree.unreadable)


def _resolved(path: Place) -> Place:
    return path if isinstance(path, Url) else path.resolve()


def _is_below(path: Place, folder: Place) -> bool:
    if isinstance(path, Url) or isinstance(folder, Url):
        return str(path).startswith(f"{folder}/")
    return folder.resolve() in path.resolve().parents


def _take_once(found: Found) -> None:
    """Leave out what is named again, for example a file and the folder that holds it."""
    tasks: dict[tuple[Place, Path], FileTask] = {}
    for task in found.tasks:
        first = tasks.setdefault((_resolved(task.source), task.name), task)
        if first is not task:
            found.repeated.append(task.source)
    found.tasks[:] = tasks.values()


def _refuse_collisions(tasks: Sequence[FileTask]) -> None:
    taken: dict[Place, Place] = {}
    inputs = {_resolved(task.source): task.source for task in tasks}
    for task in tasks:
        target = _resolved(task.target)
        if target in inputs:
            raise AttrxferError(f"{inputs[target]}: the result would overwrite it; choose another folder with -o")
        if target in taken:
            raise AttrxferError(
                f"{task.source} and {taken[target]} would both be written to {task.target}; transfer them apart"
            )
        taken[target] = task.source
