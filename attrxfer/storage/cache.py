"""The cache: files that can be computed again."""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path

from attrxfer.storage.files import sha256, write_bytes

CHECKSUM = 16
"""Characters of the checksum in a file's name."""
log = logging.getLogger("attrxfer")


def cache_folder() -> Path:
    """The cache's folder: $ATTRXFER_CACHE, else $XDG_CACHE_HOME/attrxfer, else ~/.cache/attrxfer."""
    own = os.environ.get("ATTRXFER_CACHE")
    base = os.environ.get("XDG_CACHE_HOME")
    return Path(own) if own else (Path(base) if base else Path.home() / ".cache") / "attrxfer"


def cached(key: str, make: Callable[[], bytes]) -> Path:
    """A file of the cache; it is written, atomically, if it does not exist or was damaged, which is said.

    Args:
        key: Its path below the cache folder, for example "networks/HASH.safetensors"; equal keys must mean equal contents.
        make: Returns the contents; called only if there is no such file.

    Returns:
        The file. Its name has a checksum added.
    """
    found = find(key)
    if found is not None:
        return found
    content = make()
    path = cache_folder() / key
    path = path.with_name(f"{path.stem}.{hashlib.sha256(content).hexdigest()[:CHECKSUM]}{path.suffix}")
    write_bytes(path, content)
    log.debug("cache: made %s", path)
    return path


def find(key: str) -> Path | None:
    """The file of a key, where the cache has it. One whose content does not fit the checksum in its name is deleted, and the
    log says so.

    Args:
        key: As in ``cached``.
    """
    path = cache_folder() / key
    for file in sorted(path.parent.glob(f"{escape(path.stem)}.{'[0-9a-f]' * CHECKSUM}{escape(path.suffix)}")):
        if sha256(file).startswith(file.stem.rpartition(".")[2]):
            log.debug("cache: read %s", file)
            return file
        log.warning("%s: damaged (checksum differs); it is made again", file)
        file.unlink(missing_ok=True)
    return None


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
