"""What is made once and then read from the cache."""

from __future__ import annotations

from attrxfer.storage.cache import cached, temporary_cache


def test_a_file_of_the_cache_is_made_once() -> None:
    made: list[str] = []

    def make() -> bytes:
        made.append("")
        return b"weights"

    with temporary_cache() as folder:
        path = cached("networks/one.bin", make)
        assert path == folder / "networks" / "one.bin" and path.read_bytes() == b"weights"
        assert cached("networks/one.bin", make) == path and len(made) == 1
        assert cached("networks/two.bin", make) != path and len(made) == 2
