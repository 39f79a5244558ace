"""The cache: files that can be computed again."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from attrxfer.storage.files import write_bytes

log = logging.getLogger("attrxfer")


def cache_folder() -> Path:
    """The cache's folder: $ATTRXFER_CACHE, else $XDG_CACHE_HOME/attrxfer, else ~/.cache/attrxfer."""
    own = os.environ.get("ATTRXFER_CACHE")
    base = os.environ.get("XDG_CACHE_HOME")
    return Path(own) if own else (Path(base) if base else Path.home() / ".cache") / "attrxfer"


def cached(key: str, make: Callable[[], bytes]) -> Path:
    """A file of the cache; it is written, atomically, if it does not exist.

    Args:
        key: Its path below the cache folder, for example "networks/HASH.safetensors"; equal keys must mean equal contents.
        make: Returns the contents; called only if the file does not exist.

    Returns:
        The file.
    """
    path = cache_folder() / key
    there = path.is_file()
    log.debug("cache: %s %s", "read" if there else "made", path)
    if not there:
        write_bytes(path, make())
    return path


@contextmanager
def temporary_cache() -> Iterator[Path]:
    """Inside, the cache is a temporary folder, which is deleted at the end. For tests."""
    before = os.environ.get("ATTRXFER_CACHE")
    with tempfile.TemporaryDirectory(prefix="attrxfer-cache-") as folder:
        os.environ["ATTRXFER_CACHE"] = folder
        try:
            yield Path(folder)
        finally:
            if before is None:
                del os.environ["ATTRXFER_CACHE"]
            else:
                os.environ["ATTRXFER_CACHE"] = before
