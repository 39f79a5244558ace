"""The files of a transfer: which ones, and where their results go."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from attrxfer.errors import AttrxferError, DataError


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


def list_files(paths: Sequence[Path], wanted: Callable[[Path], bool], what: str) -> Iterator[tuple[Path, Path]]:
    """Files with their names below the given paths.

    Args:
        paths: Files, which are taken as they are, and folders, which are searched.
        wanted: Which files of a folder are taken.
        what: What is searched for, for the message: "images".

    Yields:
        (file, name) pairs: a given file has its own name, a folder's files their paths inside it, sorted.

    Raises:
        DataError: A path does not exist, or a folder holds no such file.
    """
    for path in paths:
        if path.is_file():
            yield path, Path(path.name)
        elif path.is_dir():
            files = sorted(file for file in path.rglob("*") if file.is_file() and wanted(file))
            if not files:
                raise DataError(f"{path}: no {what}")
            yield from ((file, file.relative_to(path)) for file in files)
        else:
            raise DataError(f"{path}: no such file or folder")


def find_tasks(paths: Sequence[Path], out: Path, wanted: Callable[[Path], bool], what: str) -> list[FileTask]:
    """The files to transfer. Results of an earlier transfer, in ``out`` inside a given folder, are left out.

    Args:
        paths: Files and folders.
        out: The output folder.
        wanted: Which files of a folder are taken.
        what: What is searched for, for the message.

    Raises:
        DataError: A path does not exist, or a folder holds no such file.
        AttrxferError: A result would overwrite an input, or two results would have one name.
    """
    found = list_files(paths, wanted, what)
    tasks = [FileTask(source, name, out) for source, name in found if not _is_result(source, paths, out)]
    _refuse_collisions(tasks)
    return tasks


def _is_result(source: Path, paths: Sequence[Path], out: Path) -> bool:
    folder = out.resolve()
    return folder in source.resolve().parents and any(path.resolve() in folder.parents for path in paths)


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
