"""A text file that names the files of a transfer."""

from __future__ import annotations

import sys
from pathlib import Path

from attrxfer.errors import DataError
from attrxfer.media.buckets import Place, place

STDIN = Path("-")


def read_list(path: Path) -> list[Place]:
    """The paths and URLs in a text file, one a line.

    Args:
        path: The file, UTF-8; "-" is what is piped into this process. Empty lines count for nothing.

    Raises:
        DataError: It names no file, or it is no list: a folder, or another kind of file.
        OSError: It cannot be read.
    """
    if path.is_dir():
        raise DataError(f"{path}: is a folder, and --files takes a text file; name a folder without --files")
    source = "standard input" if path == STDIN else path
    content = sys.stdin.buffer.read() if path == STDIN else path.read_bytes()
    if b"\0" in content:
        raise DataError(f"{source}: is not a text file in UTF-8 with a path in each line")
    text = content.decode("utf-8-sig", "surrogateescape")  # as Python keeps names that are no UTF-8
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    places = [place(line) for line in lines if line.strip()]
    if not places:
        raise DataError(f"{source}: names no file")
    return places
