"""The folder of what is kept to save time."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from attrxfer.storage.files import write_bytes


def cache_folder() -> Path:
    """$ATTRXFER_CACHE, else attrxfer below $XDG_CACHE_HOME or ~/.cache."""
    own = os.environ.get("ATTRXFER_CACHE")
    base = os.environ.get("XDG_CACHE_HOME")
    return Path(own) if own else (Path(base) if base else Path.home() / ".cache") / "attrxfer"


def cached(key: str, make: Callable[[], bytes]) -> Path:
    """A file of the cache, made when it is not there yet and written atomically.

    Args:
        key: Its path below the cache folder, for example "networks/HASH.safetensors"; equal keys must mean equal contents.
        make: Gives the contents; called only where the file is missing.

    Returns:
        The file.
    """
    path = cache_folder() / key
    if not path.is_file():
        write_bytes(path, make())
    return path


@contextmanager
def temporary_cache() -> Iterator[Path]:
    """A cache of one's own, deleted at the end: for tests, whose leavings are of no use to the user."""
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
