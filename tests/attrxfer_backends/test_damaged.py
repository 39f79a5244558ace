"""Exported files that are damaged."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest

from attrxfer.errors import BundleError
from attrxfer.model.loading import load_model

NAME_LENGTH = 26
"""Place of the length of a name in the header of a file in an archive."""


def test_what_an_archive_holds_is_not_repeated_in_the_message(tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    path = tmp_path / "model.ov"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("network.xml", "x" * 5000)
        archive.writestr("metadata.json", "{}")
    content = bytearray(path.read_bytes())
    content[NAME_LENGTH : NAME_LENGTH + 2] = struct.pack("<H", 4000)
    path.write_bytes(content)
    with pytest.raises(BundleError, match=r"model\.ov: damaged") as found:
        load_model(path)
    assert len(str(found.value)) < 500
