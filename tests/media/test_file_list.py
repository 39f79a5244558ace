"""A text file that names files, one a line."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from attrxfer.errors import DataError
from attrxfer.media.buckets import Url, place
from attrxfer.media.file_list import read_list
from tests.conftest import attrxfer


def test_paths_and_urls_one_a_line(tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    file.write_bytes(b"\xef\xbb\xbfa b.jpg\r\n\n  \ns3://b/c.jpg\nfile:///d.jpg\ncaf\xe9.jpg")
    assert read_list(file) == [Path("a b.jpg"), Url("s3", "b/c.jpg"), Path("/d.jpg"), Path("caf\udce9.jpg")]


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"a.jpg\n")))
    assert read_list(Path("-")) == [Path("a.jpg")]
    with pytest.raises(DataError, match="^standard input: names no file$"):
        read_list(Path("-"))


def test_what_is_no_list_is_one_line(tmp_path: Path) -> None:
    utf16 = tmp_path / "utf16.txt"
    utf16.write_text("a.jpg\n", encoding="utf-16")
    with pytest.raises(DataError, match=r"utf16\.txt: is not a text file in UTF-8 with a path in each line$"):
        read_list(utf16)
    with pytest.raises(DataError, match="is a folder, and --files takes a text file; name a folder without --files$"):
        read_list(tmp_path)


def test_the_command_takes_files_or_a_list(tmp_path: Path) -> None:
    for arguments, message in (((), "with --files\n"), (("a.jpg", "--files", "list.txt"), "with --files (not both)")):
        result = attrxfer("transfer", "model", *arguments)
        assert result.returncode == 2 and message in result.stderr
    result = attrxfer("transfer", "model", "--files", tmp_path / "list.txt")
    assert result.returncode == 2 and result.stderr == f"attrxfer: {tmp_path / 'list.txt'}: No such file or directory\n"


def test_a_scheme_in_any_case_and_a_file_url_as_others_write_it() -> None:
    assert place("S3://Bucket/Out") == Url("s3", "Bucket/Out") and place("GCS://b") == Url("gs", "b")
    for text in ("file:///x/a%20b%231.jpg", "FILE://localhost/x/a b#1.jpg", "local:///x/a%20b#1.jpg"):
        assert place(text) == Path("/x/a b#1.jpg")
    with pytest.raises(DataError, match="^file://nas/a.jpg: names the machine nas; .* file:///folder/name"):
        place("file://nas/a.jpg")


@pytest.mark.parametrize(
    ("text", "name", "parent"),
    [("s3a://b/c d/e.jpg", "e.jpg", "s3://b/c d"), ("gcs://b/", "b", "gs://"), ("memory:///a", "a", "memory://")],
)
def test_urls_have_names_and_folders(text: str, name: str, parent: str) -> None:
    url = place(text)
    assert (url.name, str(url.parent)) == (name, parent)
    assert place("s3://b") / "c" / Path("d/e.jpg") == place("s3://b/c/d/e.jpg")


def test_local_paths_stay_paths() -> None:
    assert (
        place("./s3://b") == Path("./s3:/b")
        and place("C://a.jpg") == Path("C://a.jpg")
        and place("12:30.mp4") == Path("12:30.mp4")
    )
