"""The image cache: every image is decoded once into a memory-mapped array."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from attrxfer.errors import DataError
from attrxfer.interfaces import Broken, Dataset
from attrxfer.storage.files import new_file, read_json, write_text

log = logging.getLogger("attrxfer")
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
    """The cached images and the broken ones; None where there are none, or they are damaged, which the log says."""
    listed = path.with_suffix(".json")
    if not path.is_file() or not listed.is_file():
        return None
    try:
        broken = tuple(Broken(*item) for item in read_json(listed))
        images = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, TypeError, DataError) as error:
        log.warning("%s: damaged (%s); the images are decoded again", path, " ".join(str(error).split())[:100])
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
    broken: list[Broken] = []
    black = np.zeros((size, size, 3), np.uint8)
    header = {"descr": "|u1", "fortran_order": False, "shape": (count, size, size, 3)}
    with new_file(path) as file:  # written in order, not through a memory map: there a full disk would kill the process
        np.lib.format.write_array_header_1_0(file, header)
        for start, chunk in _read(dataset, count):
            broken += [image for image in chunk if isinstance(image, Broken)]
            images = [black if isinstance(image, Broken) else image for image in chunk]
            file.write(np.ascontiguousarray(images, np.uint8).tobytes())
            progress(start + len(chunk), count)
    write_text(path.with_suffix(".json"), json.dumps(broken))


def _read(dataset: Dataset, count: int) -> Iterator[tuple[int, list[NDArray[np.uint8] | Broken]]]:
    """The images in chunks, each with its first row. Threads read chunks in parallel, as Pillow and NumPy release the GIL; few
    chunks ahead of the last one that was taken, so that a slow disk does not fill the memory."""
    starts = range(0, count, CHUNK)
    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        ahead: deque[tuple[int, Future[list[NDArray[np.uint8] | Broken]]]] = deque()
        for start in starts:
            ahead.append((start, pool.submit(dataset.read, range(start, min(start + CHUNK, count)))))
            if len(ahead) > 2 * workers:
                first, chunk = ahead.popleft()
                yield first, chunk.result()
        for first, chunk in ahead:
            yield first, chunk.result()
