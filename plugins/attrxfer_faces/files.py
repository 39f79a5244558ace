"""Shared by data sets of image files: reading, fingerprints, splits."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attrxfer.errors import DataError
from attrxfer.interfaces import Broken, Framing
from attrxfer.media.images import frame, open_rgb

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
    images: list[NDArray[np.uint8] | Broken] = []
    for row in rows:
        path = folder / names[row]
        try:
            images.append(frame(open_rgb(path), framing, size))
        except DataError as error:
            images.append(Broken(names[row], str(error).removeprefix(f"{path}: ")))
    return images


def missing_path(path: Path) -> list[str]:
    """That a path of the user's does not exist; empty when it does."""
    return [] if path.exists() else [f"{path}: no such file or folder"]


def fingerprint(folder: Path, names: Iterable[str], parameters: Any) -> str:
    """A hash of the files' names, sizes and modification times, and of ``parameters`` (JSON)."""
    digest = hashlib.sha256(json.dumps(parameters, default=str).encode())
    for name in names:
        path = folder / name
        stat = path.stat() if path.is_file() else None
        digest.update(f"{name}/{stat.st_size if stat else -1}/{stat.st_mtime_ns if stat else -1}\n".encode())
    return digest.hexdigest()


def split_by(keys: Iterable[object]) -> NDArray[np.uint8]:
    """Splits (N,) in shares of 80/10/10, by a hash of each key.

    Equal keys (one person) get the same split, and adding images does not change the split of others.
    """
    shares = np.array([zlib.crc32(str(key).encode()) % 100 for key in keys])
    return ((shares >= SHARE_TRAIN).astype(np.uint8) + (shares >= SHARE_TRAIN + SHARE_VALIDATION)).astype(np.uint8)
