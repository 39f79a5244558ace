"""Images with a CSV table of their attributes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from attrxfer.errors import DataError, printable, shorten
from attrxfer.interfaces import SPLITS, Broken, Records
from attrxfer_faces.cells import Row, counted, first_twice, name_column, named, read_text, split, table_rows, truths
from attrxfer_faces.files import Stored, fingerprint, missing_path, read_files, split_by

SUFFIXES = (".csv", ".tsv")
SPLIT_COLUMNS, IDENTITY_COLUMNS = ("split", "partition"), ("identity",)
CLASS_COLUMNS = ("label", "labels", "class", "classes", "class_name", "cls", "category", "target")
IMAGE_FOLDERS = ("", "images", "image", "imgs", "img")
"""Where the images may be, beside the table, where no folder is named."""
MOST_CLASSES = 1000
"""Greatest number of classes in a column: more are no classes, but captions or names."""


class Cells(NamedTuple):
    """The file as it was read.

    Attributes:
        header: The names of the columns; "" for one without a name.
        body: The other rows.
        at: The column of file names.
        guessed: What had to be guessed to read the file; None where nothing had to be.
    """

    header: list[str]
    body: list[Row]
    at: int
    guessed: str | None


class Table(NamedTuple):
    """The table as it was read; N rows.

    Attributes:
        names: The images' files (N,), as they are stored.
        lines: The line of the file (N,) of each row.
        columns: The cells (N,) of the other columns, by their headers.
        exist: Whether any of the files exists.
        notes: What was left out or guessed.
    """

    names: tuple[str, ...]
    lines: list[int]
    columns: dict[str, list[str]]
    exist: bool
    notes: tuple[str, ...]


class Csv:
    """A CSV file with a column of file names and a column for each attribute.

    The column of file names is called file, image, path, name, or much alike (``NAME_COLUMNS``). Attributes are 1, true, yes or
    0, -1, false, no. A column called label, class, class_name, cls, category or target may hold names of classes instead: each
    class is an attribute. Optional columns: ``split`` or ``partition`` (train, validation, test, or 0, 1, 2) and ``identity``
    (any text; an image without it counts as a person of its own). Cells are separated by commas, semicolons, tabs or vertical
    bars.

    Args:
        path: The CSV file, or a folder with one CSV file.
        images: The folder in which file names start; default: the folder of the CSV file, or images or img in it.
        size: Side of the images in pixels; images are cut to their central square.
    """

    framing = None

    def __init__(self, *, path: Path, images: Path | None = None, size: Annotated[int, Field(ge=1)] = 64) -> None:
        self.path = path
        self.images = images
        self.size = size

    @classmethod
    def missing(cls, *, path: Path, images: Path | None = None, size: int = 64) -> list[str]:
        return [*missing_path(path), *(missing_path(images) if images else [])]

    @staticmethod
    def recognise(path: Path) -> float:
        """1 for a CSV file, 0.8 for a folder with one, 0.2 for a folder with more, so that ``records`` can say so."""
        if path.is_file():
            return 1.0 if path.suffix.lower() in SUFFIXES else 0.0
        found = len(_tables(path)) if path.is_dir() else 0
        return 0.8 if found == 1 else 0.2 if found else 0.0

    def records(self) -> Records:
        """The labels of all images.

        Raises:
            DataError: The table is malformed; the message names line and column.
        """
        table = self._table
        splits = self._column(SPLIT_COLUMNS)
        people = self._column(IDENTITY_COLUMNS)
        identity, notes = None, table.notes
        keys = list(table.names)
        if people is not None:
            person_of = table.columns[people]
            own = [person or f"\0{name}" for person, name in zip(person_of, table.names, strict=True)]
            identity = np.unique(own, return_inverse=True)[1].astype(np.int64)
            keys = [person or name for person, name in zip(person_of, table.names, strict=True)]
            if unknown := person_of.count(""):
                notes = (*notes, f"column {people} is empty for {unknown} images: each counts as a person of its own")
        split_of = self._splits(splits) if splits is not None else split_by(keys)
        attributes: dict[str, NDArray[np.bool_]] = {}
        for column in table.columns:
            if column not in (splits, people):
                for name, values in self._attributes(column).items():
                    if name in attributes:
                        raise DataError(f'{self._csv}, column {column}: there is another attribute "{name}"')
                    attributes[name] = values
        if not table.exist:
            raise DataError(
                f"{self._csv}: none of its {len(table.names)} images exists; the first would be "
                f"{self._folder / table.names[0]}; put the table into the folder in which "
                "file names start, or name that folder to a run with --set data.images=FOLDER"
            )
        return Records(table.names, attributes, split_of, identity, notes=notes)

    def read(self, rows: Sequence[int]) -> list[NDArray[np.uint8] | Broken]:
        return read_files(self._folder, self._table.names, rows, None, self.size)

    def fingerprint(self) -> str:
        return fingerprint(self._folder, self._table.names, ["csv", str(self._folder.resolve()), self.size])

    @cached_property
    def _csv(self) -> Path:
        found = [self.path] if self.path.is_file() else _tables(self.path)
        if len(found) != 1:
            names = f": {named([file.name for file in found])}; name the one to use" if found else ""
            raise DataError(f"{self.path}: expected one CSV file, found {len(found)}{names}")
        return found[0]

    @cached_property
    def _folder(self) -> Path:
        """Where file names start: the folder that is named, else the first of ``IMAGE_FOLDERS`` that has a listed image."""
        if self.images is not None:
            return self.images
        listed = [row.cells[self._cells.at] for row in self._cells.body]
        beside = [self._csv.parent / name for name in IMAGE_FOLDERS]
        return next((folder for folder in beside if any(map(Stored(folder).find, listed))), beside[0])

    @cached_property
    def _cells(self) -> Cells:
        text, guessed = read_text(self._csv)
        rows = table_rows(self._csv, text)
        if len(rows) < 2:
            raise DataError(f"{self._csv}: no rows")
        header, body = rows[0].cells, rows[1:]
        while header and not header[-1]:
            header.pop()  # spreadsheets end every line with separators of empty columns
        for line, cells in body:
            if len(cells) < len(header) or any(cells[len(header) :]):
                raise DataError(f"{self._csv}, line {line}: not as many values as the header has columns")
        twice = first_twice(filter(None, header))
        if twice is not None:
            raise DataError(f'{self._csv}: two columns are called "{twice}"')
        at = name_column(self._csv, header)
        empty = next((row.line for row in body if not row.cells[at]), None)
        if empty is not None:
            raise DataError(f"{self._csv}, line {empty}, column {header[at]}: no file name")
        return Cells(header, body, at, guessed)

    @cached_property
    def _table(self) -> Table:
        header, body, at, guessed = self._cells
        names, exist, notes = self._files([row.cells[at] for row in body])
        if self.images is None and self._folder != self._csv.parent:
            notes.append(f"images are those in {self._folder}")
        unnamed = sum(not name for name in header)
        if unnamed:
            notes.append(f"left out: {counted(unnamed, 'column', 'columns')} of {self._csv.name} without a name")
        columns = {name: [row.cells[i] for row in body] for i, name in enumerate(header) if name and i != at}
        all_notes = (*([guessed] if guessed else []), *notes)
        return Table(names, [row.line for row in body], columns, exist, all_notes)

    def _files(self, listed: Sequence[str]) -> tuple[tuple[str, ...], bool, list[str]]:
        """The files of listed names, whether any exists, and notes on those that have other names. A name without a file stays:
        it is broken."""
        twice = first_twice(listed)
        if twice is not None:
            raise DataError(f"{self._csv}: {twice} is listed twice")
        files = Stored(self._folder).find_all(listed)
        other = [f"{name}: {file}" for name, file in zip(listed, files, strict=True) if file not in (None, name)]
        notes = [f"{counted(len(other), 'name', 'names')} of {self._csv.name} taken for files of another name ({named(other)})"]
        names = tuple(file or name for name, file in zip(listed, files, strict=True))
        twice = first_twice(names)
        if twice is not None:
            raise DataError(f"{self._csv}: two names stand for the file {twice}")
        return names, any(files), notes if other else []

    def _column(self, names: Sequence[str]) -> str | None:
        """The header of the first column of these names."""
        return next((column for column in self._table.columns if column.lower() in names), None)

    def _attributes(self, column: str) -> dict[str, NDArray[np.bool_]]:
        """The attribute of a column, or one for each class in it."""
        cells = self._table.columns[column]
        values = truths(cells)
        wrong = next((i for i, value in enumerate(values) if value is None), None)
        if wrong is None:
            return {printable(column): np.array(values, bool)}
        where = f"{self._csv}, line {self._table.lines[wrong]}, column {column}"
        if column.lower() not in CLASS_COLUMNS:
            raise DataError(f'{where}: "{shorten(cells[wrong])}" is neither true nor false; write 1 or 0, or remove the column')
        classes = sorted(set(cells))
        if "" in classes:
            raise DataError(f"{self._csv}, line {self._table.lines[cells.index('')]}, column {column}: no class")
        if len(classes) > MOST_CLASSES:
            raise DataError(f"{self._csv}, column {column}: {len(classes):,} different texts are no classes; remove the column")
        number_of = {name: number for number, name in enumerate(classes)}
        numbers = np.array([number_of[cell] for cell in cells])
        return {printable(name): numbers == number for number, name in enumerate(classes)}

    def _splits(self, column: str) -> NDArray[np.uint8]:
        cells = self._table.columns[column]
        numbers = [split(cell) for cell in cells]
        if None in numbers:
            wrong = numbers.index(None)
            where = f"{self._csv}, line {self._table.lines[wrong]}, column {column}"
            raise DataError(f'{where}: "{shorten(cells[wrong])}" is none of {", ".join(SPLITS)}')
        return np.array(numbers, np.uint8)


def _tables(folder: Path) -> list[Path]:
    """The tables in a folder; hidden files, as macOS leaves them, are none."""
    return sorted(file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES and not file.name.startswith("."))
