"""attrxfer-runtime: the same sources with fewer requirements, for exported files."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import venv
import zipfile
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from attrxfer.errors import AttrxferError
from attrxfer.plugin import distribution
from attrxfer.plugin.distribution import FOR_TRAINING, RUNTIME, WHOLE
from tests.exported_negative import write_negative

ROOT = Path(__file__).parents[1]
WHOLE_PROJECT, RUNTIME_PROJECT = (
    tomllib.loads((path / "pyproject.toml").read_text())["project"] for path in (ROOT, ROOT / "runtime")
)


def bare(requirement: str) -> str:
    return requirement.partition(">")[0]


def test_it_requires_what_the_whole_requires_but_what_trains() -> None:
    wanted = {each for each in WHOLE_PROJECT["dependencies"] if bare(each) not in FOR_TRAINING}
    (onnxruntime,) = [each for each in WHOLE_PROJECT["optional-dependencies"]["export"] if bare(each) == "onnxruntime"]
    assert set(RUNTIME_PROJECT["dependencies"]) == {*wanted, onnxruntime}
    assert {bare(each) for each in WHOLE_PROJECT["dependencies"]} >= FOR_TRAINING
    for extra, requirements in RUNTIME_PROJECT["optional-dependencies"].items():
        assert set(requirements) <= set(WHOLE_PROJECT["optional-dependencies"][extra]), extra
    for key in ("version", "requires-python", "license", "scripts"):
        assert RUNTIME_PROJECT[key] == WHOLE_PROJECT[key], key


def test_its_plugins_are_those_of_the_whole_that_import_nothing_of_training() -> None:
    whole, runtime = (project["entry-points"]["attrxfer"] for project in (WHOLE_PROJECT, RUNTIME_PROJECT))
    assert runtime.items() <= whole.items()
    hatch = tomllib.loads((ROOT / "runtime" / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert set(hatch["force-include"].values()) == {"attrxfer", *runtime.values()}


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Lets only these distributions be installed."""

    def only(*names: str) -> None:
        def found(name: str) -> str:
            if name not in names:
                raise metadata.PackageNotFoundError(name)
            return name

        monkeypatch.setattr(metadata, "distribution", found)
        distribution.name.cache_clear()

    yield only
    distribution.name.cache_clear()


def test_messages_name_the_distribution_that_is_installed(installed: Callable[..., None]) -> None:
    for names, wanted in (((WHOLE,), WHOLE), ((RUNTIME,), RUNTIME), ((WHOLE, RUNTIME), WHOLE), ((), WHOLE)):
        installed(*names)
        assert distribution.name() == wanted and distribution.install("faces") == f"pip install '{wanted}[faces]'"


def test_what_lacks_training_packages_says_so_in_one_line(installed: Callable[..., None]) -> None:
    def lacking(module: str) -> str:
        with pytest.raises(AttrxferError) as caught, distribution.training_packages():
            raise ModuleNotFoundError(f"No module named {module!r}", name=module)
        return str(caught.value)

    installed(RUNTIME)
    assert lacking("torch.nn").startswith("missing: torch: attrxfer-runtime runs exported files only")
    installed(WHOLE)
    assert lacking("kornia") == "missing: kornia: pip install kornia"
    with pytest.raises(ModuleNotFoundError), distribution.training_packages():
        raise ModuleNotFoundError("No module named 'other'", name="other")


def run(*command: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, env=environment, check=False, **options)


@pytest.mark.slow
def test_its_wheel_holds_what_it_names_and_no_more(tmp_path: Path) -> None:
    made = run(sys.executable, "-m", "pip", "wheel", "--no-deps", "-q", "-w", tmp_path, ROOT / "runtime")
    if "No matching distribution found for hatchling" in made.stderr:
        pytest.skip("no package index within reach, and pip needs hatchling from it")
    assert made.returncode == 0, made.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    top = {name.partition("/")[0] for name in names if ".dist-info" not in name}
    assert top == {"attrxfer", *RUNTIME_PROJECT["entry-points"]["attrxfer"].values()}
    assert "attrxfer/py.typed" in names and not [name for name in names if "__pycache__" in name]


@pytest.mark.slow
@pytest.mark.skipif(
    "ATTRXFER_EMPTY_ENVIRONMENT" not in os.environ, reason="installs 410 MB: ATTRXFER_EMPTY_ENVIRONMENT=1 runs it"
)
def test_an_empty_environment_runs_exported_files(tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    bin = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin")
    made = run(bin / "pip", "install", "-q", ROOT / "runtime")
    assert made.returncode == 0, made.stderr
    write_negative(tmp_path / "model.onnx")
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    Image.fromarray(image).save(tmp_path / "crop.png")
    made = run(bin / "attrxfer", "transfer", "model.onnx", "crop.png", "--aligned", "-o", "out", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "out" / "crop.png")), 255 - image)
    refused = run(bin / "attrxfer", "run", "diat_a_gender", cwd=tmp_path)
    assert refused.returncode == 2 and refused.stderr.startswith("attrxfer: missing: torch: attrxfer-runtime runs exported")
    assert run(bin / "attrxfer", "doctor", cwd=tmp_path).stdout.endswith("nothing is wrong\n")
    code = "import sys, attrxfer; attrxfer.load('model.onnx'); print('torch' in sys.modules)"
    assert run(bin / "python", "-c", code, cwd=tmp_path).stdout == "False\n"


def test_the_page_opens_an_exported_file_where_nothing_of_training_is_installed(tmp_path: Path) -> None:
    """As in the container, whose page is attrxfer-runtime's."""
    write_negative(tmp_path / "model.onnx", 16)
    code = f"""
import sys
sys.modules.update(dict.fromkeys({sorted(each.replace("-", "_") for each in FOR_TRAINING)}))  # cannot be imported
from pathlib import Path
from attrxfer.plugin.host import load
from attrxfer_demo.offer import offers
from attrxfer_demo.studio import Studio
studio = Studio(offers([Path("model.onnx")], None, load().registry), Path("views"))
print(studio.offers[0].label)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "plugins")])}
    made = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert made.stdout.startswith("negative"), made.stderr
