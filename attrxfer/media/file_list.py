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
        DataError: It names no file.
        OSError: It cannot be read.
    """
    content = sys.stdin.buffer.read() if path == STDIN else path.read_bytes()
    text = content.decode("utf-8-sig", "surrogateescape")  # as Python keeps names that are no UTF-8
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    places = [place(line) for line in lines if line.strip()]
    if not places:
        raise DataError(f"{'standard input' if path == STDIN else path}: names no file")
    return places
