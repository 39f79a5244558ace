"""What is made once and then read from the cache."""

from __future__ import annotations

import logging

import pytest

from attrxfer.storage.cache import cached, find, temporary_cache


def test_a_file_of_the_cache_is_made_once() -> None:
    made: list[str] = []

    def make() -> bytes:
        made.append("")
        return b"weights"

    with temporary_cache() as folder:
        path = cached("networks/one.bin", make)
        assert path.parent == folder / "networks" and path.name.startswith("one.") and path.read_bytes() == b"weights"
        assert cached("networks/one.bin", make) == path and len(made) == 1
        assert cached("networks/two.bin", make) != path and len(made) == 2


@pytest.mark.parametrize("damage", [b"", b"\0\0\0\0\0\0\0", b"weightz"])
def test_a_damaged_file_of_the_cache_is_made_again_and_named(damage: bytes, caplog: pytest.LogCaptureFixture) -> None:
    with temporary_cache(), caplog.at_level(logging.WARNING, "attrxfer"):
        path = cached("networks/one.bin", lambda: b"weights")
        path.write_bytes(damage)
        assert find("networks/one.bin") is None and not path.exists()
        path.write_bytes(damage)
        assert cached("networks/one.bin", lambda: b"weights again").read_bytes() == b"weights again"
        assert caplog.messages == [f"{path}: damaged (checksum differs); it is made again"] * 2
        assert find("networks/on") is None and find("networks/*.bin") is None
