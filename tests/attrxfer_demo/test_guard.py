"""The page refuses other sites, and deletes its photos however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from attrxfer_demo import guard, photo_folder
from attrxfer_demo.guard import is_own_name
from attrxfer_demo.photo_folder import PREFIX, delete_old, deleting_old, sweep

from tests.attrxfer_demo.test_page import Server

BODY = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\nphoto\r\n--b--\r\n'


def upload(server: Server, **headers: str) -> int:
    """The status of an upload with these headers."""
    form = {"Content-Type": "multipart/form-data; boundary=b"}
    asked = urllib.request.Request(f"{server.url}gradio_api/upload", BODY, form | headers, method="POST")
    try:
        with urllib.request.urlopen(asked, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def kept(server: Server) -> list[str]:
    return [path.name for path in server.folder.rglob("a.png")]


@pytest.mark.slow
def test_other_sites_are_refused_and_a_closed_terminal_leaves_no_photo(trained: Path) -> None:
    server = Server(str(trained), "--no-browser", "--port", str(24000 + os.getpid() % 20000))
    try:
        own = server.url.rstrip("/")
        assert upload(server, Origin="https://evil.example") == 403
        assert upload(server, Origin="null") == 403
        assert upload(server, Host="evil.example:80", Origin="http://evil.example:80") == 403
        assert upload(server, Host="evil.example") == 403
        assert kept(server) == []
        assert upload(server, Origin=own) == 200 and upload(server) == 200
        assert kept(server) != []
        server.process.send_signal(signal.SIGHUP)
        assert server.process.wait(timeout=30) == 0 and not server.folder.exists()
    finally:
        server.process.kill()


@pytest.mark.parametrize(
    ("host", "own"),
    [
        *(("127.0.0.1:7860", True), ("localhost:7860", True), ("[::1]:7860", True), ("192.168.1.7:80", True), ("::1", False)),
        *(("evil.example", False), ("localhost.evil.example:7860", False), ("127.0.0.1.evil.example", False), ("", False)),
    ],
)
def test_a_name_that_anyone_can_register_is_not_this_machines(host: str, own: bool) -> None:
    assert is_own_name(host) is own


def test_uploads_end_where_the_disk_would_suffer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {"headers": [(b"host", b"127.0.0.1")], "path": "/gradio_api/upload", "method": "POST"}
    watched = guard.Guard(lambda *_: None, tmp_path)  # type: ignore[arg-type]
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a").write_bytes(bytes(5))
    monkeypatch.setattr(guard, "MOST_BYTES", 5)
    assert watched._refusal(asked) is None
    monkeypatch.setattr(guard, "MOST_BYTES", 4)
    refusal = watched._refusal(asked)
    assert refusal is not None and refusal[0] == 413
    assert watched._refusal({**asked, "method": "GET"}) is None


def test_photos_of_a_killed_page_are_deleted_at_the_next_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    killed, running, earlier, other = (
        tmp_path / name for name in (f"{PREFIX}{dead.pid}-a", f"{PREFIX}{os.getpid()}-b", f"{PREFIX}x1y2", "others")
    )
    for folder in (killed, running, earlier, other):
        folder.mkdir()
        (folder / "photo.png").write_bytes(b"x")
    (tmp_path / f"{PREFIX}{dead.pid}-link").symlink_to(other)
    assert sweep() == 2
    assert not killed.exists() and not earlier.exists() and (running / "photo.png").exists() and (other / "photo.png").exists()
    with photo_folder.photo_folder() as own:
        assert own.name.startswith(f"{PREFIX}{os.getpid()}-") and sweep() == 0
    assert not own.exists()


def test_what_is_old_is_deleted_with_its_folder_while_the_page_is_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what gradio does not know: a result for a visitor who has gone, an upload that broke off."""
    for name in ("job/out/me.jpg", "job/me.jpg.jpg", "upload"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
        os.utime(path, (0, 0))  # a copied photo has its own time; what counts is when it came
    newest = (tmp_path / "upload").stat().st_ctime
    monkeypatch.setattr(time, "time", lambda: newest + 3599)
    delete_old(tmp_path, 3600)
    assert len(list(tmp_path.rglob("*"))) == 5
    monkeypatch.setattr(time, "time", lambda: newest + 3601)
    with deleting_old(tmp_path, 0.01, 3600):
        deadline = time.monotonic() + 10
        while list(tmp_path.iterdir()) and time.monotonic() < deadline:
            time.sleep(0.01)
    assert not list(tmp_path.iterdir())
