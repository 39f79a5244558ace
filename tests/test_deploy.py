"""What docs/deploy.md says of the exported file and of containers: the programs run, the commands exist."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from tests.exported_negative import write_negative
from tests.test_docs import parsed

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "deploy.md").read_text()
SIZE = 64
HEADERS = "http://deb.debian.org/debian/pool/main/o/onnxruntime/libonnxruntime-dev_1.21.0+dfsg-1_amd64.deb"
HEADERS_SHA256 = "14f7d959d5deacbcf1504830d4189f91fc67382b399ed9ae9d3aa9c4050ced08"
PACKAGES = ("onnxruntime-node", "sharp")


def program(language: str) -> str:
    """The page's only program in a language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.M | re.S)
    return str(found)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files that the programs name."""
    write_negative(tmp_path / "model.onnx", SIZE)
    image = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3)).astype(np.uint8)
    Image.fromarray(image).save(tmp_path / "crop.png")
    return tmp_path


def check_result(folder: Path, name: str = "result.png") -> None:
    crop, result = (np.asarray(Image.open(folder / each)) for each in ("crop.png", name))
    wanted = crop + 0.8 * (255 - 2 * crop.astype(float))
    assert np.abs(result - wanted).max() <= 0.51


def test_the_program_in_python_runs_without_attrxfer(folder: Path) -> None:
    code = program("python") + "\nimport sys; assert not {'attrxfer', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True)
    check_result(folder)


@pytest.mark.slow
def test_the_program_in_javascript_runs(folder: Path) -> None:
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("no node and npm")
    (folder / "package.json").write_text('{"type": "module"}')
    command = ["npm", "install", "--ignore-scripts", "--no-audit", "--prefer-offline", *PACKAGES]
    try:
        made = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm did not bring {', '.join(PACKAGES)} within four minutes")
    if made.returncode:
        pytest.skip(f"npm cannot bring {', '.join(PACKAGES)}: {made.stderr.strip()[:200]}")
    (folder / "program.js").write_text(program("js"))
    made = subprocess.run(["node", "program.js"], cwd=folder, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    check_result(folder)


@pytest.fixture
def cpp_options(tmp_path: Path) -> list[str]:
    """What the compiler is told: the headers of Debian's package, and the library of Python's."""
    if shutil.which("g++") is None or shutil.which("dpkg-deb") is None:
        pytest.skip("no g++, or no dpkg-deb that unpacks ONNX Runtime's headers")
    libraries = list((Path(onnxruntime.__file__).parent / "capi").glob("libonnxruntime.so.*"))
    if not libraries:
        pytest.skip("this machine's package of ONNX Runtime has no shared library of its own")
    try:
        with urllib.request.urlopen(HEADERS, timeout=30) as answer:
            content = answer.read()
    except OSError as error:
        pytest.skip(f"{HEADERS}: cannot be downloaded ({error})")
    assert hashlib.sha256(content).hexdigest() == HEADERS_SHA256
    (tmp_path / "headers.deb").write_bytes(content)
    subprocess.run(["dpkg-deb", "-x", "headers.deb", "headers"], cwd=tmp_path, check=True)
    (tmp_path / "libonnxruntime.so.1").symlink_to(libraries[0])
    return ["-I", "headers/usr/include/onnxruntime", "libonnxruntime.so.1", "-Wl,-rpath,$ORIGIN"]


@pytest.mark.slow
def test_the_program_in_cpp_gives_the_bytes_of_the_one_in_python(folder: Path, cpp_options: list[str]) -> None:
    Image.open(folder / "crop.png").save(folder / "crop.ppm")
    (folder / "program.cpp").write_text(program("cpp"))
    command = ["g++", "-std=c++17", "-Wall", "-Wextra", "-Werror", "program.cpp", *cpp_options, "-o", "program"]
    made = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    subprocess.run([folder / "program"], cwd=folder, check=True)
    check_result(folder, "result.ppm")
    subprocess.run([sys.executable, "-c", program("python")], cwd=folder, check=True)
    by_cpp, by_python = (np.asarray(Image.open(folder / f"result.{suffix}")) for suffix in ("ppm", "png"))
    assert np.array_equal(by_cpp, by_python)


def test_the_containers_start_commands_that_exist() -> None:
    yaml = pytest.importorskip("yaml", reason="PyYAML reads compose.yaml")
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    docker = (ROOT / "Dockerfile").read_text()
    words = json.loads(re.findall(r"^CMD (.*)$", docker, re.M)[0])
    for command in (words, *(shlex.split(service["command"]) for service in services.values())):
        context = parsed(command)
        assert context is not None and context.params["host"] == "0.0.0.0"
    for service in services.values():
        assert all(port.startswith("127.0.0.1:") for port in service["ports"]), "for this machine only"
    (extras,) = re.findall(r"runtime\[([\w,]+)\]", docker)
    assert set(extras.split(",")) == {"faces", "serve", "ui"}
    kept = {line.lstrip("!") for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert kept == {"attrxfer", "plugins", "runtime"}, "what runtime/pyproject.toml is built from"
