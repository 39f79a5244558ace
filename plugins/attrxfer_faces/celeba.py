"""CelebA as its authors and others ship it, whole or a subset."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from attrxfer.errors import DataError, in_a_line, shorten
from attrxfer.interfaces import SPLITS, Broken, Framing, Records
from attrxfer.media.images import is_image
from attrxfer_faces.cells import NAME_COLUMNS, counted, first_twice, name_column, named, read_text, split, table_rows, truths
from attrxfer_faces.files import Stored, fingerprint, missing_path, read_files, split_by

IMAGES, ATTRIBUTES = "img_align_celeba", "list_attr_celeba"
PARTITION, LANDMARKS, IDENTITY = "list_eval_partition", "list_landmarks_align_celeba", "identity_CelebA"
PLACES = ("", "Anno", "Eval", "Img", "CelebA", "CelebA/Anno", "CelebA/Eval", "CelebA/Img", "celeba")
"""Where the lists and the images may be: beside one another, or as on the authors' drive."""
ALIGNED = (178, 218)
COORDINATES = 10


class Entry(NamedTuple):
    """What a list holds for an image.

    Attributes:
        line: The line of the list; the first is 1.
        name: The image's name in the list.
        values: The cells after it.
    """

    line: int
    name: str
    values: list[str]


class Labels(NamedTuple):
    """The images that exist; N of them.

    Attributes:
        listed: Their names in the lists (N,).
        files: Their files (N,): the names, or those of copies with another suffix.
        attributes: Bool (N,) by the attribute's name.
        notes: What was left out or guessed.
    """

    listed: tuple[str, ...]
    files: tuple[str, ...]
    attributes: dict[str, NDArray[np.bool_]]
    notes: tuple[str, ...]


class CelebA:
    """CelebA's aligned images with their lists.

    Required are img_align_celeba/ and list_attr_celeba.txt. list_eval_partition.txt, list_landmarks_align_celeba.txt and
    identity_CelebA.txt are read if they exist. Lists may be .csv files, as Kaggle ships them, and lie in Anno/ and Eval/, and
    the images in Img/, as on the authors' drive. Images that a list names but the folder lacks are left out. Without a
    partition, splits are 80/10/10 by person, or by file name where there are no identities.

    Args:
        path: The folder with img_align_celeba/ and the lists.
        size: Side of the images in pixels.
        crop: Left, top, width and height of the part of the aligned 178 x 218 images that is used.
    """

    def __init__(
        self,
        *,
        path: Path,
        size: Annotated[int, Field(ge=1)] = 64,
        crop: tuple[int, int, int, int] = (9, 29, 160, 160),
    ) -> None:
        self.path = path
        self.size = size
        self.crop = crop

    @property
    def framing(self) -> Framing:
        return Framing(ALIGNED, self.crop)

    @classmethod
    def missing(cls, *, path: Path, size: int = 64, crop: tuple[int, int, int, int] = (9, 29, 160, 160)) -> list[str]:
        return missing_path(path)

    @staticmethod
    def recognise(path: Path) -> float:
        return 1.0 if _list_file(path, ATTRIBUTES) else 0.0

    def records(self) -> Records:
        """The labels of all images.

        Raises:
            DataError: The images or the attribute list are missing or malformed.
        """
        labels = self._labels
        identity = self._column(IDENTITY, _whole)
        people = identity.astype(np.int64) if identity is not None else None
        partition = self._column(PARTITION, split, f" is none of 0, 1, 2 ({', '.join(SPLITS)})")
        keys = labels.listed if people is None else people
        splits = split_by(keys) if partition is None else partition.astype(np.uint8)
        return Records(labels.files, labels.attributes, splits, people, self._landmarks(), labels.notes)

    def read(self, rows: Sequence[int]) -> list[NDArray[np.uint8] | Broken]:
        return read_files(self._images, self._labels.files, rows, self.framing, self.size)

    def fingerprint(self) -> str:
        return fingerprint(self._images, self._labels.files, ["celeba", str(self.path.resolve()), self.size, self.crop])

    @cached_property
    def _images(self) -> Path:
        """The folder of the images."""
        for place in PLACES:
            for name in (IMAGES, f"{IMAGES}_png"):
                folder = self.path / place / name
                if folder.is_dir():
                    return folder / name if (folder / name).is_dir() else folder  # Kaggle's archive nests it
        packed = next((file for place in PLACES for file in [self.path / place / f"{IMAGES}.zip"] if file.is_file()), None)
        if packed is not None:
            raise DataError(f"{packed}: unpack it here first; it should hold CelebA's aligned images")
        raise DataError(f"{self.path / IMAGES}: no such folder; it should hold CelebA's aligned images")

    @cached_property
    def _labels(self) -> Labels:
        images, stored = self._images, Stored(self._images)
        file = _list_file(self.path, ATTRIBUTES)
        if file is None:
            raise DataError(f"{self.path / ATTRIBUTES}.txt: missing; it comes with CelebA")
        known, entries, notes = _attribute_list(file, lambda name: stored.find(name) is not None)
        stored_as = stored.find_all([entry.name for entry in entries])
        there = [(entry, name) for entry, name in zip(entries, stored_as, strict=True) if name is not None]
        absent = [entry.name for entry, name in zip(entries, stored_as, strict=True) if name is None]
        if not there:
            some = min((file.name for file in images.iterdir()), default=None)
            instead = f'the folder has "{some}"' if some else "the folder is empty"
            raise DataError(
                f"{images}: none of the {len(entries)} images that {file.name} names exists; the first is "
                f'"{entries[0].name}", but {instead}'
            )
        twice = first_twice(name for _, name in there)
        if twice is not None:
            raise DataError(f"{file}: {twice} is listed twice")
        if absent:
            notes.append(
                f"left out: {counted(len(absent), 'image', 'images')} of {file.name} not in {images} ({named(absent)})"
            )
        files = tuple(name for _, name in there)
        unlisted = sorted(name for name in {file.name for file in images.iterdir()} - set(files) if is_image(Path(name)))
        if unlisted:
            notes.append(
                f"left out: {counted(len(unlisted), 'image', 'images')} in {images} without a line in {file.name} "
                f"({named(unlisted)})"
            )
        other = [f"{entry.name}: {name}" for entry, name in there if entry.name != name]
        if other:
            notes.append(f"{counted(len(other), 'name', 'names')} taken for files of another suffix ({named(other)})")
        values = truths(cell for entry, _ in there for cell in entry.values)
        if None in values:
            wrong, column = divmod(values.index(None), len(known))
            entry = there[wrong][0]
            raise DataError(
                f'{file}, line {entry.line}, {entry.name}: "{shorten(entry.values[column])}" for {known[column]} is neither '
                "1 nor -1"
            )
        array = np.array(values, bool).reshape(len(there), len(known))
        attributes = {name: array[:, i] for i, name in enumerate(known)}
        return Labels(tuple(entry.name for entry, _ in there), files, attributes, tuple(notes))

    def _column(
        self, name: str, read: Callable[[str], int | None], wrong: str = " is no whole number"
    ) -> NDArray[np.int64] | None:
        """The numbers (N,) of a list of one column; None without the list."""
        file = _list_file(self.path, name)
        if file is None:
            return None
        listed = self._labels.listed
        numbers: dict[str, int] = {}
        for entry in _entries(file, 1, set(listed).__contains__):
            number = read(entry.values[0])
            if number is None:
                raise DataError(f'{file}, line {entry.line}, {entry.name}: "{shorten(entry.values[0])}"{wrong}')
            numbers[entry.name] = number
        missing = [name for name in listed if name not in numbers]
        if missing:
            more = f" and {len(missing) - 1} more images" if len(missing) > 1 else ""
            raise DataError(f"{file}: has no line for {missing[0]}{more}")
        return np.array([numbers[name] for name in listed], np.int64)

    def _landmarks(self) -> NDArray[np.float32] | None:
        """Left eye, right eye, nose, left and right corner of the mouth (N, 5, 2), in pixels of the framed images; NaN for
        images that the list does not name. None without the list."""
        file = _list_file(self.path, LANDMARKS)
        if file is None:
            return None
        listed = self._labels.listed
        row_of = {name: row for row, name in enumerate(listed)}
        numbers = np.full((len(listed), COORDINATES), np.nan)
        for entry in _entries(file, COORDINATES, row_of.__contains__):
            try:
                numbers[row_of[entry.name]] = [float(cell or "nan") for cell in entry.values]
            except ValueError as error:
                raise DataError(f"{file}, line {entry.line}, {entry.name}: {in_a_line(error)}") from None
        left, top, width, height = self.crop
        scale = np.array([self.size / width, self.size / height])
        points = numbers.reshape(-1, 5, 2) - [left, top]
        return ((points + 0.5) * scale - 0.5).astype(np.float32)


def _list_file(path: Path, name: str) -> Path | None:
    """A list of CelebA's, as text or as a table."""
    files = (path / place / f"{name}{suffix}" for place in PLACES for suffix in (".txt", ".csv"))
    return next((file for file in files if file.is_file()), None)


def _whole(cell: str) -> int | None:
    text = cell.strip().removesuffix(".0")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _attribute_list(file: Path, exists: Callable[[str], bool]) -> tuple[list[str], list[Entry], list[str]]:
    """The attributes' names, a line for each image, and notes.

    Args:
        file: The list.
        exists: Whether there is an image of a name.
    """
    text, guessed = read_text(file)
    notes = [guessed] if guessed else []
    count: int | None = None
    first = 2
    if file.suffix == ".csv":
        rows = table_rows(file, text)
        header = list(rows[0].cells) if rows else []
        known = [name for i, name in enumerate(header) if i != name_column(file, header)]
        first = rows[0].line + 1 if rows else 2
    else:
        lines = [line.split() for line in text.splitlines()[:2]]
        if lines and len(lines[0]) == 1:
            count = _whole(lines[0][0])
            first = 2 if count is None else 3
        known = (lines[1] if len(lines) > 1 else []) if count is not None else (lines[0] if lines else [])
        if known and known[0].lower() in NAME_COLUMNS:
            known = known[1:]
    if not known:
        raise DataError(f"{file}: expected the number of images, the names of the attributes, and a line for each image")
    entries = [entry for entry in _read_entries(file, text, len(known), exists, "attributes") if entry.line >= first]
    if not entries:
        raise DataError(f"{file}: has no line for an image")
    twice = first_twice(known)
    if twice is not None:
        raise DataError(f'{file}: two attributes are called "{twice}"')
    if count is not None and count != len(entries):
        notes.append(f"{file.name} has lines for {len(entries):,} images; its first line says {count:,}")
    return known, entries, notes


def _entries(file: Path, columns: int, known: Callable[[str], bool]) -> Iterator[Entry]:
    """The lines of a list that belong to a known image. Other lines, such as the header, are skipped.

    Args:
        file: The list.
        columns: Number of values after the name.
        known: Whether there is an image of a name.
    """
    text = read_text(file).text
    return (entry for entry in _read_entries(file, text, columns, known, "columns") if known(entry.name))


def _read_entries(file: Path, text: str, columns: int, known: Callable[[str], bool], what: str) -> Iterator[Entry]:
    """All lines of a list. Names may have blanks: a line's last cells are its values.

    Raises:
        DataError: The line of a known image has another number of values.
    """
    if file.suffix == ".csv":
        rows = table_rows(file, text)
        at = next((i for i, name in enumerate(rows[0].cells) if name.lower() in NAME_COLUMNS), 0) if rows else 0
        for line, cells in rows:
            if len(cells) > at:
                yield _entry(file, line, cells[at], cells[:at] + cells[at + 1 :], columns, known, what)
        return
    for line, content in enumerate(text.splitlines(), 1):
        first, *others = content.split() or [""]
        name, *values = content.strip().rsplit(None, columns) or [""]
        if not known(name) and known(first):
            name, values = first, others
        if name:
            yield _entry(file, line, name, values, columns, known, what)


def _entry(file: Path, line: int, name: str, values: list[str], columns: int, known: Callable[[str], bool], what: str) -> Entry:
    if len(values) != columns and known(name):
        raise DataError(f"{file}, line {line}: {name} has {len(values)} values for {columns} {what}")
    return Entry(line, name, values)
