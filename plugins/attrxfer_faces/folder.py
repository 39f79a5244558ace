"""A folder of images for each class."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from attrxfer.errors import DataError
from attrxfer.interfaces import Broken, Records
from attrxfer.media.images import is_image
from attrxfer_faces.files import fingerprint, missing_path, read_files, split_by

SPLIT_FOLDERS = {"train": 0, "val": 1, "validation": 1, "valid": 1, "test": 2}


class Folder:
    """PATH/CLASS/**/image, or PATH/SPLIT/CLASS/**/image with splits train, validation (val, valid) and test.

    Each class is a boolean attribute. Without split folders the splits are 80/10/10 by file name.

    Args:
        path: The folder.
        size: Side of the images in pixels; images are cut to their central square.
    """

    framing = None

    def __init__(self, *, path: Path, size: Annotated[int, Field(ge=1)] = 64) -> None:
        self.path = path
        self.size = size

    @classmethod
    def missing(cls, *, path: Path, size: int = 64) -> list[str]:
        return missing_path(path)

    @staticmethod
    def recognise(path: Path) -> float:
        if not path.is_dir():
            return 0.0
        classes = [folder for folder in path.iterdir() if folder.is_dir() and any(map(is_image, folder.rglob("*")))]
        return 0.5 if len(classes) >= 2 else 0.0

    def records(self) -> Records:
        """The labels of all images.

        Raises:
            DataError: Fewer than two classes have images.
        """
        files, classes, splits = self._files
        known = sorted(set(classes))
        if len(known) < 2:
            raise DataError(
                f"{self.path}: expected a folder of images for each of two classes or more; found {known or 'none'}"
            )
        attributes = {name: np.array([one == name for one in classes]) for name in known}
        split = np.array(splits, np.uint8) if splits else split_by(files)
        return Records(files, attributes, split)

    def read(self, rows: Sequence[int]) -> list[NDArray[np.uint8] | Broken]:
        return read_files(self.path, self._files[0], rows, None, self.size)

    def fingerprint(self) -> str:
        return fingerprint(self.path, self._files[0], ["folder", str(self.path.resolve()), self.size])

    @cached_property
    def _files(self) -> tuple[tuple[str, ...], list[str], list[int]]:
        """Paths below the folder, the class of each, and the split of each (empty without split folders)."""
        if not self.path.is_dir():
            raise DataError(f"{self.path}: no such folder")
        files = [file.relative_to(self.path) for file in sorted(self.path.rglob("*")) if file.is_file() and is_image(file)]
        split = bool(files) and {file.parts[0] for file in files} <= set(SPLIT_FOLDERS)
        depth = 1 if split else 0
        files = [file for file in files if len(file.parts) > depth + 1]
        splits = [SPLIT_FOLDERS[file.parts[0]] for file in files] if split else []
        return tuple(file.as_posix() for file in files), [file.parts[depth] for file in files], splits
