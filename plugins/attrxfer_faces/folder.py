"""A folder of images for each class."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from attrxfer.errors import DataError, printable
from attrxfer.interfaces import SPLITS, Broken, Records
from attrxfer.media.folders import Tree, is_hidden, walk
from attrxfer.media.images import is_image
from attrxfer_faces.cells import SPLIT_NAMES, counted, named
from attrxfer_faces.files import fingerprint, missing_path, read_files, read_patches, split_by

DOMAIN = re.compile(f"({'|'.join(SPLIT_NAMES)})[_-]?([AB])", re.IGNORECASE)
"""A folder of the CycleGAN layout: trainA, testB."""


SURE = 0.5
"""How surely a folder of two classes or more is recognised."""


class Found(NamedTuple):
    """What was found in the folder.

    Attributes:
        files: Images, relative to the folder.
        classes: The class of each.
        splits: The split of each; None without split folders.
        notes: What was left out.
    """

    files: tuple[str, ...]
    classes: list[str]
    splits: list[int] | None
    notes: tuple[str, ...]


class Folder:
    """PATH/CLASS/**/image, PATH/SPLIT/CLASS/**/image, or PATH/trainA, trainB, testA, testB.

    Each class is a boolean attribute. Splits are train (training), validation (val, valid) and test (testing), in small or
    capital letters. Without split folders the splits are 80/10/10 by file name. Hidden folders are left out; links are
    followed.

    Args:
        path: The folder.
        size: Side of the images in pixels; images are cut to their central square.
        patches: Whether the central ``size`` x ``size`` pixels are cut out instead, and nothing is resized. For what is not
            about a subject, such as sharpness: the model then transfers whole images of any size.
    """

    framing = None

    def __init__(self, *, path: Path, size: Annotated[int, Field(ge=1)] = 64, patches: bool = False) -> None:
        self.path = path
        self.size = size
        self.patches = patches

    @classmethod
    def missing(cls, *, path: Path, size: int = 64, patches: bool = False) -> list[str]:
        return missing_path(path)

    @staticmethod
    def recognise(path: Path) -> float:
        """0.5 for two folders of images or more; 0.1 for a folder of folders, so that ``records`` can say what is wrong."""
        if not path.is_dir():
            return 0.0
        folders = [folder for folder in path.iterdir() if folder.is_dir() and not is_hidden(folder.name)]
        classes = [folder for folder in folders if any(map(is_image, walk(folder).files))]
        return SURE if len(classes) >= 2 else 0.1 if folders else 0.0

    def records(self) -> Records:
        """The labels of all images.

        Raises:
            DataError: Fewer than two classes have images.
        """
        found = self._found
        known = sorted(set(found.classes))
        if len(known) < 2:
            reasons = "".join(f"; {note}" for note in found.notes)
            if len(known) == 1 and Folder.recognise(self.path / known[0]) >= SURE:
                reasons += f"; that folder holds classes: did you mean {self.path / known[0]}?"
            raise DataError(
                f"{self.path}: expected a folder of images for each of two classes or more; found {known or 'none'}{reasons}"
            )
        classes = np.array(found.classes)
        attributes = {name: classes == name for name in known}
        splits = np.array(found.splits, np.uint8) if found.splits is not None else split_by(found.files)
        return Records(found.files, attributes, splits, notes=found.notes)

    def read(self, rows: Sequence[int]) -> list[NDArray[np.uint8] | Broken]:
        if self.patches:
            return read_patches(self.path, self._found.files, rows, self.size)
        return read_files(self.path, self._found.files, rows, None, self.size)

    def fingerprint(self) -> str:
        return fingerprint(self.path, self._found.files, ["folder", str(self.path.resolve()), self.size, self.patches])

    @cached_property
    def _found(self) -> Found:
        if not self.path.is_dir():
            raise DataError(f"{self.path}: no such folder")
        tree = walk(self.path)
        images = [file for file in tree.files if is_image(file)]
        tops = list(dict.fromkeys(file.parts[0] for file in images if len(file.parts) > 1))
        if len({match[2] for top in tops if (match := DOMAIN.fullmatch(top))}) == 2:
            place = _domain
        elif tops and _are_splits(tops):
            place = _split
        else:
            place = _class
        placed = [(file, where) for file in images if (where := place(file)) is not None]
        used = {file for file, _ in placed}
        outside = [file for file in images if file not in used]
        return Found(
            tuple(file.as_posix() for file, _ in placed),
            [printable(name) for _, (name, _) in placed],
            [number for _, (_, number) in placed] if place is not _class else None,
            _notes(tree, outside, place is not _class),
        )


def _are_splits(tops: Sequence[str]) -> bool:
    """Whether folders of these names are splits: all of them, or a training split and another one. (A class may be called
    train.)"""
    numbers = [SPLIT_NAMES.get(top.lower()) for top in tops]
    return None not in numbers or (0 in numbers and bool({1, 2} & set(numbers)))


def _class(file: Path) -> tuple[str, int] | None:
    """The class of CLASS/**/image; None for a file elsewhere."""
    return (file.parts[0], 0) if len(file.parts) > 1 else None


def _split(file: Path) -> tuple[str, int] | None:
    """The class and the split of SPLIT/CLASS/**/image; None for a file elsewhere."""
    number = SPLIT_NAMES.get(file.parts[0].lower())
    return (file.parts[1], number) if number is not None and len(file.parts) > 2 else None


def _domain(file: Path) -> tuple[str, int] | None:
    """The class, A or B, and the split of trainA/**/image; None for a file elsewhere."""
    match = DOMAIN.fullmatch(file.parts[0]) if len(file.parts) > 1 else None
    return (match[2].upper(), SPLIT_NAMES[match[1].lower()]) if match else None


def _notes(tree: Tree, outside: Sequence[Path], split: bool) -> tuple[str, ...]:
    """A line for each kind of thing that was left out.

    Args:
        tree: All that the folder holds.
        outside: Images that belong to no class.
        split: Whether there are split folders.
    """
    notes = []
    if outside:
        where = f"a class's folder inside {', '.join(SPLITS)}" if split else "a class's folder"
        names = named([printable(file.as_posix()) for file in outside])
        notes.append(f"left out: {counted(len(outside), 'image', 'images')} outside {where} ({names})")
    hidden = [file for file in tree.files if is_image(Path(file.name.lstrip("."))) and file.name.startswith(".")]
    if hidden:
        notes.append(
            f"left out: {counted(len(hidden), 'hidden file', 'hidden files')} ({named([printable(str(f)) for f in hidden])})"
        )
    others = [file for file in tree.files if not is_image(file) and not file.name.startswith(".")]
    if others:
        kinds = Counter(file.suffix.lower() or "no suffix" for file in others)
        kinds_text = ", ".join(f"{printable(kind)}: {count:,}" for kind, count in kinds.most_common(5))
        first = printable(others[0].as_posix())
        notes.append(
            f"left out: {counted(len(others), 'file', 'files')} that cannot be read here as images ({kinds_text}; "
            f"first: {first})"
        )
    if tree.hidden:
        names = named([printable(folder.as_posix()) for folder in tree.hidden])
        notes.append(f"left out: {counted(len(tree.hidden), 'hidden or system folder', 'hidden or system folders')} ({names})")
    return (*notes, *(f"left out: {printable(reason)}" for reason in tree.unreadable))
