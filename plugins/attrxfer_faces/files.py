"""Shared by data sets of image files: reading, fingerprints, splits."""

from __future__ import annotations

import hashlib
import json
import os
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from attrxfer.errors import DataError
from attrxfer.interfaces import Broken, Framing
from attrxfer.media.images import frame, open_rgb

SUFFIX = re.compile(r"\.\w{1,5}")
SHARE_TRAIN, SHARE_VALIDATION = 80, 10


def read_files(
    folder: Path, names: Sequence[str], rows: Sequence[int], framing: Framing | None, size: int
) -> list[NDArray[np.uint8] | Broken]:
    """Read the images of these rows.

    Args:
        folder: Where file names start.
        names: The files of all rows.
        rows: Which to read.
        framing: How files are cut; None cuts the central square.
        size: Side in pixels.

    Returns:
        For each row uint8 RGB (size, size, 3), or Broken with the reason.
    """
    return _read(folder, names, rows, lambda image: frame(image, framing, size))


def read_patches(folder: Path, names: Sequence[str], rows: Sequence[int], size: int) -> list[NDArray[np.uint8] | Broken]:
    """The central ``size`` x ``size`` pixels of the images of these rows, as ``read_files`` returns them; smaller images are
    broken."""

    def cut(image: Image.Image) -> NDArray[np.uint8]:
        if min(image.size) < size:
            raise DataError(f"{image.width} x {image.height} pixels, fewer than a patch of {size} x {size}")
        left, top = (image.width - size) // 2, (image.height - size) // 2
        return np.asarray(image.crop((left, top, left + size, top + size)))

    return _read(folder, names, rows, cut)


def _read(
    folder: Path, names: Sequence[str], rows: Sequence[int], cut: Callable[[Image.Image], NDArray[np.uint8]]
) -> list[NDArray[np.uint8] | Broken]:
    images: list[NDArray[np.uint8] | Broken] = []
    for row in rows:
        path = folder / names[row]
        try:
            images.append(cut(open_rgb(path)))
        except DataError as error:
            images.append(Broken(names[row], str(error).removeprefix(f"{path}: ")))
    return images


class Stored:
    """Finds the files that lists name, also where a copy of the data has another suffix: 000001.png for 000001.jpg.

    Args:
        folder: Where file names start.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._in: dict[str, tuple[frozenset[str], dict[str, str]]] = {}

    def find(self, name: str) -> str | None:
        """The file of a listed name, relative to the folder; None where there is none, or several differ by suffix only."""
        for written in dict.fromkeys((name, name.replace("\\", "/"))):  # Windows separates folders by backslashes
            parent, _, last = written.rpartition("/")
            files, by_stem = self._listing(parent)
            if last in files:
                return f"{parent}/{last}" if parent else last
            stem, suffix = os.path.splitext(last)  # noqa: PTH122 (Path takes ten times as long, for each of many images)
            file = by_stem.get(stem if SUFFIX.fullmatch(suffix) else last)
            if file:
                return f"{parent}/{file}" if parent else file
        return None

    def find_all(self, names: Sequence[str]) -> list[str | None]:
        """``find`` for all names of a list. A file that the list itself names stands for no other name."""
        listed = set(names)
        found = [self.find(name) for name in names]
        return [file if file == name or file not in listed else None for name, file in zip(names, found, strict=True)]

    def _listing(self, parent: str) -> tuple[frozenset[str], dict[str, str]]:
        """The files of a folder, and those of which only one has the stem, by their stems."""
        if parent not in self._in:
            try:
                files = os.listdir(self.folder / (parent or "."))  # noqa: PTH208
            except (OSError, ValueError):
                files = []
            stems = [os.path.splitext(file)[0] for file in files]  # noqa: PTH122
            count = Counter(stems)
            self._in[parent] = (
                frozenset(files),
                {stem: file for stem, file in zip(stems, files, strict=True) if count[stem] == 1},
            )
        return self._in[parent]


def missing_path(path: Path) -> list[str]:
    """That a path of the user's does not exist; empty when it does."""
    return [] if path.exists() else [f"{path}: no such file or folder"]


def fingerprint(folder: Path, names: Iterable[str], parameters: Any) -> str:
    """A hash of the files' names, sizes and modification times, and of ``parameters`` (JSON)."""
    digest = hashlib.sha256(json.dumps(parameters, default=str).encode())
    for name in names:
        path = folder / name
        stat = path.stat() if path.is_file() else None
        line = f"{name}/{stat.st_size if stat else -1}/{stat.st_mtime_ns if stat else -1}\n"
        digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def split_by(keys: Iterable[object]) -> NDArray[np.uint8]:
    """Splits (N,) in shares of 80/10/10, by a hash of each key.

    Equal keys (one person) get the same split, and adding images does not change the split of others.
    """
    shares = np.array([zlib.crc32(str(key).encode("utf-8", "surrogateescape")) % 100 for key in keys])
    return ((shares >= SHARE_TRAIN).astype(np.uint8) + (shares >= SHARE_TRAIN + SHARE_VALIDATION)).astype(np.uint8)
