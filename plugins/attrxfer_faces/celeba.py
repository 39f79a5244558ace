"""CelebA in its official layout, whole or a subset."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from attrxfer.errors import DataError
from attrxfer.interfaces import Broken, Framing, Records
from attrxfer_faces.files import fingerprint, missing_path, read_files, split_by

IMAGES, ATTRIBUTES = "img_align_celeba", "list_attr_celeba.txt"
PARTITION, LANDMARKS, IDENTITY = "list_eval_partition.txt", "list_landmarks_align_celeba.txt", "identity_CelebA.txt"
ALIGNED = (178, 218)


class CelebA:
    """CelebA's aligned images with their lists.

    Required are img_align_celeba/ and list_attr_celeba.txt. list_eval_partition.txt, list_landmarks_align_celeba.txt and
    identity_CelebA.txt are read if they exist. Images that a list names but the folder lacks are left out. Without a
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
        return 1.0 if (path / ATTRIBUTES).is_file() else 0.0

    def records(self) -> Records:
        """The labels of all images.

        Raises:
            DataError: The images or the attribute list are missing or malformed.
        """
        names, attributes = self._attributes
        identity = self._numbers(IDENTITY, 1)
        people = identity[:, 0].astype(np.int64) if identity is not None else None
        partition = self._numbers(PARTITION, 1)
        split = partition[:, 0].astype(np.uint8) if partition is not None else split_by(names if people is None else people)
        return Records(names, attributes, split, people, self._landmarks())

    def read(self, rows: Sequence[int]) -> list[NDArray[np.uint8] | Broken]:
        return read_files(self.path / IMAGES, self._attributes[0], rows, self.framing, self.size)

    def fingerprint(self) -> str:
        return fingerprint(self.path / IMAGES, self._attributes[0], ["celeba", str(self.path.resolve()), self.size, self.crop])

    @cached_property
    def _attributes(self) -> tuple[tuple[str, ...], dict[str, NDArray[np.bool_]]]:
        """Names of the images that exist, and their attributes."""
        if not (self.path / IMAGES).is_dir():
            raise DataError(f"{self.path / IMAGES}: no such folder; it should hold CelebA's aligned images")
        lines = self._lines(ATTRIBUTES)
        known = lines[1].split()
        there = {file.name for file in (self.path / IMAGES).iterdir()}
        rows = [line.split() for line in lines[2:] if line.split() and line.split()[0] in there]
        if not rows:
            raise DataError(f"{self.path / IMAGES}: none of the images that {ATTRIBUTES} names exists")
        wrong = next((row for row in rows if len(row) != len(known) + 1), None)
        if wrong is not None:
            raise DataError(f"{self.path / ATTRIBUTES}: {wrong[0]} has {len(wrong) - 1} values for {len(known)} attributes")
        values = np.array([row[1:] for row in rows]).astype(np.int8) > 0
        return tuple(row[0] for row in rows), {name: values[:, i] for i, name in enumerate(known)}

    def _lines(self, file: str) -> list[str]:
        try:
            return (self.path / file).read_text().splitlines()
        except FileNotFoundError:
            raise DataError(f"{self.path / file}: missing; it comes with CelebA") from None

    def _numbers(self, file: str, columns: int) -> NDArray[np.float64] | None:
        """The numbers of a list for each image (N, columns), NaN for images that it does not name; None without the list."""
        if not (self.path / file).is_file():
            return None
        values_of: dict[str, list[str]] = {}
        for line in self._lines(file):
            name, *values = line.split() or [""]
            if len(values) == columns and name.endswith((".jpg", ".png")):
                values_of[name] = values
        names = self._attributes[0]
        missing = [name for name in names if name not in values_of]
        if missing and file != LANDMARKS:
            raise DataError(f"{self.path / file}: has no line for {missing[0]} and {len(missing) - 1} more images")
        nothing = ["nan"] * columns
        return np.array([values_of.get(name, nothing) for name in names], dtype=np.float64)

    def _landmarks(self) -> NDArray[np.float32] | None:
        """Left eye, right eye, nose, left and right corner of the mouth (N, 5, 2), in pixels of the framed images."""
        numbers = self._numbers(LANDMARKS, 10)
        if numbers is None:
            return None
        left, top, width, height = self.crop
        scale = np.array([self.size / width, self.size / height])
        points = numbers.reshape(-1, 5, 2) - [left, top]
        return ((points + 0.5) * scale - 0.5).astype(np.float32)
