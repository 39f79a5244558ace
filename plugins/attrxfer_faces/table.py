"""Images with a CSV table of their attributes."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from attrxfer.errors import DataError
from attrxfer.interfaces import SPLITS, Broken, Records
from attrxfer_faces.files import fingerprint, missing_path, read_files, split_by

TRUE, FALSE = {"1", "true", "yes"}, {"0", "-1", "false", "no"}
NAME_COLUMNS = ("file", "filename", "file_name", "image", "image_id", "path", "name")


class Csv:
    """A CSV file with a column of file names and a column for each attribute.

    The column of file names is called file, filename, file_name, image, image_id, path or name. Attributes are 1, true, yes
    or 0, -1, false, no. Optional columns: ``split`` (train, validation, test) and ``identity`` (any text).

    Args:
        path: The CSV file, or a folder with one CSV file.
        images: The folder in which file names start; default: the folder of the CSV file.
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
        if path.is_file():
            return 1.0 if path.suffix.lower() == ".csv" else 0.0
        return 0.8 if path.is_dir() and len(list(path.glob("*.csv"))) == 1 else 0.0

    def records(self) -> Records:
        """The labels of all images.

        Raises:
            DataError: The table is malformed; the message names line and column.
        """
        names, rows = self._table
        columns = [c for c in rows[0] if c not in (self._name_column(rows[0]), "split", "identity")]
        attributes = {c: np.array([self._truth(row[c], c, i) for i, row in enumerate(rows)]) for c in columns}
        identity = None
        if "identity" in rows[0]:
            identity = np.unique([row["identity"] for row in rows], return_inverse=True)[1].astype(np.int64)
        keys = [row["identity"] for row in rows] if identity is not None else names
        split = self._splits(rows) if "split" in rows[0] else split_by(keys)
        return Records(names, attributes, split, identity)

    def read(self, rows: Sequence[int]) -> list[NDArray[np.uint8] | Broken]:
        return read_files(self._folder, self._table[0], rows, None, self.size)

    def fingerprint(self) -> str:
        return fingerprint(self._folder, self._table[0], ["csv", str(self._folder.resolve()), self.size])

    @cached_property
    def _csv(self) -> Path:
        found = [self.path] if self.path.is_file() else sorted(self.path.glob("*.csv"))
        if len(found) != 1:
            raise DataError(f"{self.path}: expected one CSV file, found {len(found)}")
        return found[0]

    @property
    def _folder(self) -> Path:
        return self.images or self._csv.parent

    @cached_property
    def _table(self) -> tuple[tuple[str, ...], list[dict[str, str]]]:
        with self._csv.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
        if not rows:
            raise DataError(f"{self._csv}: no rows")
        short = next((i for i, row in enumerate(rows) if None in row or None in row.values()), None)
        if short is not None:
            raise DataError(f"{self._csv}, line {short + 2}: not as many values as the header has columns")
        column = self._name_column(rows[0])
        names = [row[column] for row in rows]
        twice = (
            next((name for i, name in enumerate(names) if name in names[:i]), None) if len(set(names)) < len(names) else None
        )
        if twice is not None:
            raise DataError(f"{self._csv}: {twice} is listed twice")
        return tuple(names), rows

    def _name_column(self, row: dict[str, str]) -> str:
        for column in row:
            if column.lower() in NAME_COLUMNS:
                return column
        raise DataError(f"{self._csv}: no column of file names; call it one of {', '.join(NAME_COLUMNS)}")

    def _truth(self, value: str, column: str, row: int) -> bool:
        text = value.strip().lower()
        if text not in TRUE | FALSE:
            raise DataError(f'{self._csv}, line {row + 2}, column {column}: "{value}" is neither true nor false')
        return text in TRUE

    def _splits(self, rows: list[dict[str, str]]) -> NDArray[np.uint8]:
        for i, row in enumerate(rows):
            if row["split"] not in SPLITS:
                raise DataError(f'{self._csv}, line {i + 2}, column split: "{row["split"]}" is none of {", ".join(SPLITS)}')
        return np.array([SPLITS.index(row["split"]) for row in rows], np.uint8)
