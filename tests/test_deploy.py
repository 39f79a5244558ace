"""What docs/deploy.md says of the exported file and of containers: the programs run, the commands exist."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.exported_negative import write_negative
from tests.test_docs import parsed

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "deploy.md").read_text()
SIZE = 64
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


def check_result(folder: Path) -> None:
    crop, result = (np.asarray(Image.open(folder / name)) for name in ("crop.png", "result.png"))
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
