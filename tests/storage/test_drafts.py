"""What a process that was killed while it wrote leaves behind is deleted at the next write."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from attrxfer.storage import drafts
from attrxfer.storage.files import new_file, new_folder, write_text

KILLED = """
import os, signal, sys
from pathlib import Path
from attrxfer.storage.files import new_file, new_folder
with new_file(Path(sys.argv[1]) / "a.txt") as file, new_folder(Path(sys.argv[1]) / "b") as folder:
    (folder / "inside").touch()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def nothing_swept(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a new process."""
    monkeypatch.setattr(drafts, "_swept", set())


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_drafts_of_a_killed_process_are_swept_and_those_of_a_running_one_stay(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert killed.returncode == -signal.SIGKILL and len(names(tmp_path)) == 2
    with new_file(tmp_path / "mine.txt") as file:
        file.write(b"mine")
        assert len(names(tmp_path)) == 1
        drafts._swept.clear()
        write_text(tmp_path / "other.txt", "")
        assert len(names(tmp_path)) == 2
    assert names(tmp_path) == {"mine.txt", "other.txt"}


def test_a_users_own_hidden_files_stay_and_another_machine_s_drafts_stay_for_a_day(tmp_path: Path) -> None:
    own = {".notes.tmp", ".a.draft", "x.draft", ".a.png.0123456-1-abcdefgh.draft"}
    theirs, old = ".a.png.01234567-1-abcdefgh.draft", ".b.png.01234567-1-abcdefgh.draft"
    for name in (*own, theirs, old):
        (tmp_path / name).touch()
    os.utime(tmp_path / old, (time.time() - drafts.ABANDONED - 60,) * 2)
    write_text(tmp_path / "a.txt", "")
    assert names(tmp_path) == {*own, theirs, "a.txt"}


BETWEEN = """
import os, signal, sys
from pathlib import Path
from attrxfer.storage.files import new_folder
with new_folder(Path(sys.argv[1]) / "b") as folder:
    (folder / "new").touch()
    rename = Path.replace
    def replace(path, target):
        if path == folder:
            os.kill(os.getpid(), signal.SIGKILL)
        return rename(path, target)
    Path.replace = replace
"""


def test_a_folder_that_was_being_replaced_is_put_back_after_a_kill(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "old").touch()
    killed = subprocess.run([sys.executable, "-c", BETWEEN, str(tmp_path)], check=False)
    assert killed.returncode == -signal.SIGKILL and not (tmp_path / "b").exists()
    write_text(tmp_path / "a.txt", "")
    assert names(tmp_path) == {"a.txt", "b"} and names(tmp_path / "b") == {"old"}


def test_a_folder_that_cannot_be_put_back_stays_in_its_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "old").touch()
    subprocess.run([sys.executable, "-c", BETWEEN, str(tmp_path)], check=False)

    def refuse(path: Path, target: Path) -> None:
        raise OSError(errno.EACCES, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", refuse)
        drafts.sweep(tmp_path)
    assert len(list(tmp_path.rglob("old"))) == 1, "it is not deleted"
    drafts._swept.clear()
    drafts.sweep(tmp_path)
    assert names(tmp_path) == {"b"} and names(tmp_path / "b") == {"old"}


def test_a_folder_that_was_being_replaced_is_put_back_after_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "old").touch()
    rename = Path.replace

    def replace(path: Path, target: Path) -> Path:
        if (path / "new").exists():
            raise OSError(errno.EIO, "the disk is gone")
        return rename(path, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(OSError, match="the disk is gone"), new_folder(tmp_path / "b") as folder:
        (folder / "new").touch()
    assert names(tmp_path) == {"b"} and names(tmp_path / "b") == {"old"}


def test_a_long_name_leaves_room_for_the_draft_s(tmp_path: Path) -> None:
    write_text(tmp_path / ("é" * 127), "long")
    with new_folder(tmp_path / ("f" * 255)) as folder:
        (folder / "a").touch()
    assert names(tmp_path) == {"é" * 127, "f" * 255}
