"""``attrxfer serve``: starts, says what it serves, and ends at Ctrl-C."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from attrxfer_serve import commands

from tests.attrxfer_serve.conftest import encoded, noise
from tests.conftest import attrxfer
from tests.exported_negative import write_negative

CODE = """
import signal, sys, threading
from attrxfer.cli import main
sys.argv = ["attrxfer", "serve", *sys.argv[1:]]
try:
    main()
finally:
    print([name for name in ("torch", "gradio") if name in sys.modules])
"""


@contextmanager
def served(*arguments: str | Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server's process and its address."""
    command = [sys.executable, "-c", CODE, *map(str, arguments), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        said = ""
        try:
            while not (found := re.search(r"server: (http://\S+?),", said)):
                line = process.stdout.readline()
                assert line, said
                said += line
            yield process, found[1]
        finally:
            process.kill()


@pytest.mark.slow
def test_an_exported_file_is_served_without_torch_until_ctrl_c(tmp_path: Path) -> None:
    write_negative(tmp_path / "model.onnx", 16)
    with served(tmp_path / "model.onnx") as (process, url):
        with urllib.request.urlopen(f"{url}/model", timeout=10) as answer:
            assert json.load(answer)["size"] == 16
        body = b'--x\r\ncontent-disposition: form-data; name="image"; filename="a"\r\n\r\n' + encoded(noise())
        body += b'\r\n--x\r\ncontent-disposition: form-data; name="aligned"\r\n\r\ntrue\r\n--x--\r\n'
        request = urllib.request.Request(
            f"{url}/transfer", data=body, headers={"content-type": "multipart/form-data; boundary=x"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.headers["content-type"] == "image/png"
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=20)
    assert process.returncode == 0 and said.splitlines() == ["closed", "[]"], said


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = attrxfer("serve", tmp_path, "--port", port)
    assert result.returncode == 2
    assert result.stderr == f"attrxfer: --host 127.0.0.1 --port {port}: address already in use; name another one\n"


def test_an_address_of_another_machine_is_refused(tmp_path: Path) -> None:
    result = attrxfer("serve", tmp_path, "--host", "192.0.2.1")
    assert result.returncode == 2 and result.stderr.startswith("attrxfer: --host 192.0.2.1") and result.stderr.count("\n") == 1


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(commands.MODULES, "no_such_module", "no-such-package")
    result = attrxfer("serve", "model.onnx")
    assert result.returncode == 2 and result.stderr == "attrxfer: missing: no-such-package: pip install 'attrxfer[serve]'\n"


def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    result = attrxfer("serve", tmp_path / "model.onnx", "--port", "0")
    assert result.returncode == 2 and "model.onnx: no such file or folder" in result.stderr


@pytest.mark.slow
def test_a_method_has_no_backend_to_choose() -> None:
    result = attrxfer("serve", "median", "--backend", "onnx", "--port", "0")
    assert result.returncode == 2 and "median: only a bundle's networks can be run by another backend" in result.stderr
