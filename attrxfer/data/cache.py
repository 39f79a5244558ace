"""The image cache: every image is decoded once into a memory-mapped array."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from attrxfer.errors import DataError
from attrxfer.interfaces import Broken, Dataset
from attrxfer.storage.files import sync, write_text

FORMAT = 1
CHUNK = 256
Progress = Callable[[int, int], None]


def cache_key(dataset: Dataset, size: int) -> str:
    """The key of the cached images: a hash of the data set's fingerprint, the size in pixels and the cache's format."""
    return hashlib.sha256(f"{FORMAT}/{size}/{dataset.fingerprint()}".encode()).hexdigest()[:32]


def open_images(
    dataset: Dataset, count: int, size: int, folder: Path, progress: Progress
) -> tuple[NDArray[np.uint8], tuple[Broken, ...]]:
    """Open the cached images of a data set. If they are not cached, or the cache is damaged, decode and cache them first.

    The file is written atomically, so two processes may do this at once.

    Args:
        dataset: The data set.
        count: Number of its images.
        size: Side in pixels.
        folder: The cache's folder.
        progress: Called with the number of decoded images, and with ``count``.

    Returns:
        The images (count, size, size, 3), memory-mapped, and the broken ones, which are black in the array.

    Raises:
        DataError: The disk has no room for the cache.
    """
    path = folder / "images" / f"{cache_key(dataset, size)}.npy"
    found = _open(path, (count, size, size, 3))
    if found is None:
        _write(dataset, count, size, path, progress)
        found = _open(path, (count, size, size, 3))
    if found is None:
        raise DataError(f"{path}: the image cache cannot be read back; is the disk full?")
    return found


def _open(path: Path, shape: tuple[int, ...]) -> tuple[NDArray[np.uint8], tuple[Broken, ...]] | None:
    try:
        broken = tuple(Broken(*item) for item in json.loads(path.with_suffix(".json").read_text()))
        images = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, TypeError):
        return None
    return (images, broken) if images.shape == shape and images.dtype == np.uint8 else None


def _write(dataset: Dataset, count: int, size: int, path: Path, progress: Progress) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    wanted, free = count * size * size * 3, shutil.disk_usage(path.parent).free
    if wanted > free:
        raise DataError(
            f"{path.parent}: the cache of {count} images of {size} px takes {wanted / 1e6:.0f} MB, but {free / 1e6:.0f} MB are "
            f"free; make room, or name another folder in $ATTRXFER_CACHE"
        )
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        broken: list[Broken] = []
        array = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.uint8, shape=(count, size, size, 3))
        for start, chunk in _read(dataset, count):
            for row, image in enumerate(chunk, start):
                if isinstance(image, Broken):
                    broken.append(image)
                else:
                    array[row] = image
            progress(start + len(chunk), count)
        array.flush()
        del array
        sync(temporary)
        temporary.replace(path)
        write_text(path.with_suffix(".json"), json.dumps(broken))
    finally:
        temporary.unlink(missing_ok=True)


def _read(dataset: Dataset, count: int) -> Iterator[tuple[int, list[NDArray[np.uint8] | Broken]]]:
    """The images in chunks, each with its first row. Threads read chunks in parallel, as Pillow and NumPy release the GIL."""
    starts = range(0, count, CHUNK)
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        yield from zip(
            starts, pool.map(lambda start: dataset.read(range(start, min(start + CHUNK, count))), starts), strict=True
        )
