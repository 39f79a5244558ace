"""Walks through folders as users have them: links are followed, hidden folders and those that systems make are left out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

FOLDERS = ("@eaDir", "#recycle", "__MACOSX", "__pycache__", "$RECYCLE.BIN", "System Volume Information")
SYSTEM = frozenset({*FOLDERS, "Thumbs.db", "desktop.ini"})
"""Folders and files that systems make."""


class Tree(NamedTuple):
    """What a folder holds.

    Attributes:
        files: All files outside the folders that are left out, sorted, relative to the folder.
        hidden: Folders that were left out: hidden ones, and those that systems make.
        unreadable: Folders that could not be read, each with the reason.
    """

    files: tuple[Path, ...]
    hidden: tuple[Path, ...]
    unreadable: tuple[str, ...]


def is_hidden(name: str) -> bool:
    """Whether a folder or file of this name is hidden (.thumbnails) or made by a system (@eaDir, __MACOSX, Thumbs.db)."""
    return name.startswith(".") or name in SYSTEM


def walk(root: Path) -> Tree:
    """Find all files below a folder. Links to folders are followed, except a link to a folder that it lies in.

    Args:
        root: The folder; its own name may be a hidden one.
    """
    files: list[Path] = []
    hidden: list[Path] = []
    unreadable: list[str] = []
    folders: list[tuple[Path, frozenset[str]]] = [(Path(), frozenset())]
    while folders:
        folder, parents = folders.pop()
        real = os.path.realpath(root / folder)
        if real in parents:
            unreadable.append(f"{folder}: a link to a folder that it lies in")
            continue
        try:
            with os.scandir(root / folder) as entries:
                for entry in entries:
                    if not entry.is_dir():
                        files.append(folder / entry.name)
                    elif is_hidden(entry.name):
                        hidden.append(folder / entry.name)
                    else:
                        folders.append((folder / entry.name, parents | {real}))
        except OSError as error:
            unreadable.append(f"{folder}: {error.strerror or error}")
    return Tree(tuple(sorted(files)), tuple(sorted(hidden)), tuple(sorted(unreadable)))
