"""Lists and tables as other programs write them: their encoding, their separators, and what a cell means."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from attrxfer.errors import DataError
from attrxfer.interfaces import SPLITS

TRUE, FALSE = {"true", "yes", "t", "y"}, {"false", "no", "f", "n"}
NAME_COLUMNS = (
    *("file", "filename", "file_name", "filepath", "file_path", "image", "image_id", "image_path", "image_name", "image_file"),
    *("img", "img_path", "img_name", "path", "name"),
)
"""Names of the column of file names; of several, the first in this order is it."""
SPLIT_NAMES = {
    "train": 0,
    "training": 0,
    "val": 1,
    "valid": 1,
    "validation": 1,
    "dev": 1,
    "test": 2,
    "testing": 2,
    "eval": 2,
    "evaluation": 2,
}
"""Names of splits, in small letters, with their index in SPLITS."""
SEPARATORS = (",", ";", "\t", "|")


class Text(NamedTuple):
    """The text of a file.

    Attributes:
        text: It.
        note: What had to be guessed to read it; None where nothing had to be.
    """

    text: str
    note: str | None


class Row(NamedTuple):
    """A row of a table.

    Attributes:
        line: The line of the file in which it ends; the first is 1.
        cells: Its cells, without blanks around them.
    """

    line: int
    cells: list[str]


def read_text(path: Path) -> Text:
    """Read a text file in UTF-8, UTF-16, UTF-32, or else Windows-1252.

    Raises:
        DataError: There is no such file, it cannot be read, or is no text.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from None
    name, note = _encoding(raw), None
    try:
        text = raw.decode(name)
    except UnicodeDecodeError:
        text, note = raw.decode("cp1252", "replace"), f"{path}: not in UTF-8; read as Windows-1252"
    if "\0" in text:
        raise DataError(f"{path}: not a text file; save it as CSV or text in UTF-8")
    return Text(text, note)


def _encoding(raw: bytes) -> str:
    if raw.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    begin = raw[:200]
    if begin and len(raw) % 2 == 0 and begin[1::2].count(0) > len(begin) // 4:
        return "utf-16-le"
    return "utf-16-be" if begin and len(raw) % 2 == 0 and begin[::2].count(0) > len(begin) // 4 else "utf-8-sig"


def table_rows(path: Path, text: str) -> list[Row]:
    """The rows of a table, its header first; empty ones are left out.

    Cells are separated by commas, semicolons, tabs or vertical bars: by what the header has most of.

    Raises:
        DataError: A cell is longer than 131,072 characters: a quotation mark is not closed.
    """
    start, separator = 1, None
    if text[:4].lower() == "sep=":  # so Excel names the separator
        first, _, text = text.partition("\n")
        separator, start = first.rstrip("\r")[4:5] or None, 2
    header = text.lstrip().partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator or max(SEPARATORS, key=header.count))
    rows: list[Row] = []
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if any(stripped):
                rows.append(Row(reader.line_num + start - 1, stripped))
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num + start - 1}: {error}; is a quotation mark not closed?") from None
    return rows


def name_column(path: Path, header: Sequence[str]) -> int:
    """The index of the column of file names.

    Raises:
        DataError: There is none.
    """
    there = [name.lower() for name in header]
    found = next((name for name in NAME_COLUMNS if name in there), None)
    if found is None:
        raise DataError(f"{path}: no column of file names; call it one of {', '.join(NAME_COLUMNS)}")
    return there.index(found)


def truth(cell: str) -> bool | None:
    """What a cell says of an attribute; None where it is neither true nor false."""
    text = cell.strip().lower()
    if text in TRUE | FALSE:
        return text in TRUE
    try:
        return {1.0: True, 0.0: False, -1.0: False}.get(float(text))
    except ValueError:
        return None


def truths(cells: Iterable[str]) -> list[bool | None]:
    """``truth`` of many cells, of which most are equal."""
    known: dict[str, bool | None] = {}
    return [known[cell] if cell in known else known.setdefault(cell, truth(cell)) for cell in cells]


def split(cell: str) -> int | None:
    """The index in SPLITS of a split's name, or of its number; None where it is neither."""
    text = cell.strip().lower().removesuffix(".0")
    return int(text) if text in map(str, range(len(SPLITS))) else SPLIT_NAMES.get(text)


def first_twice(names: Iterable[str]) -> str | None:
    """The first name that was there before; None where all differ."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def counted(count: int, one: str, many: str) -> str:
    """A number with its noun.

    >>> counted(1, "image", "images"), counted(1200, "image", "images")
    ('1 image', '1,200 images')
    """
    return f"{count:,} {one if count == 1 else many}"


def named(names: Collection[str], most: int = 3) -> str:
    """The first names, and how many more there are.

    >>> named(["a", "b", "c", "d"], 2)
    'a, b and 2 more'
    """
    shown = ", ".join(list(names)[:most])
    return f"{shown} and {len(names) - most:,} more" if len(names) > most else shown
