"""One way to open a model: bundles, runs, exported files, methods, shipped models; and what a model accepts."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from attrxfer_backends.onnx import LARGEST, MULTIPLE
from PIL import Image

import attrxfer as package
from attrxfer.errors import AttrxferError, BundleError, DataError, UnknownName
from attrxfer.interfaces import Model
from attrxfer.model.exported import KEPT, OPTIONAL, ExportedModel
from attrxfer.model.inference import open_device
from attrxfer.model.loading import load_model
from attrxfer.model.method import MethodModel
from attrxfer.model.torch_model import TorchModel
from attrxfer.plugin.host import Host
from tests.conftest import attrxfer

SIZE = 16
IMAGES = np.random.default_rng(0).integers(0, 256, (2, SIZE, SIZE, 3), np.uint8)


@pytest.fixture(scope="module")
def file(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return package.export(trained, "onnx", out=tmp_path_factory.mktemp("exported") / "model.onnx")


@pytest.mark.slow
def test_runs_bundles_files_and_methods_are_models(trained: Path, file: Path, host: Host) -> None:
    for source, kind in (
        (trained, TorchModel),
        (trained / "bundle", TorchModel),
        (file, ExportedModel),
        ("truth", MethodModel),
    ):
        model = load_model(source, host)
        assert isinstance(model, kind) and isinstance(model, Model)
        assert model.name in repr(model)
    first, other = load_model(trained, host), load_model(file, host)
    assert np.abs(first.images(IMAGES).astype(int) - other.images(IMAGES)).max() <= 1


def test_a_shipped_model_is_opened_by_name(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host()
    bundle = Path(shutil.copytree(trained / "bundle", tmp_path / "shipped" / "younger"))
    monkeypatch.setattr(host, "models", lambda: {"younger": bundle})
    assert load_model("younger", host).metadata["task"] == load_model(trained, host).metadata["task"]
    with pytest.raises(UnknownName, match='youngr: no such file or folder, model or method; did you mean "younger"?'):
        load_model("youngr", host)


def test_what_is_no_model_is_named(trained: Path, tmp_path: Path, host: Host) -> None:
    with pytest.raises(UnknownName, match='did you mean "truth"'):
        load_model("trut", host)
    (tmp_path / "notes.txt").write_text("no model")
    with pytest.raises(BundleError, match=r"notes.txt: not an exported model; those end in \.onnx"):
        load_model(tmp_path / "notes.txt", host)
    with pytest.raises(AttrxferError, match="method truth makes results for images of a data set only; score it with"):
        load_model("truth", host).images(IMAGES)


@pytest.mark.slow
def test_an_unknown_name_gets_the_nearest_in_every_command(file: Path, trained: Path, tmp_path: Path) -> None:
    """One mechanism: a misspelt file, run or method is named with the nearest one, in one line."""
    for wrong, right in ((f"{file}x", file), (f"{trained}s", trained), ("trut", "truth")):
        for arguments in (
            ("info", wrong),
            ("export", wrong),
            ("evaluate", wrong, "-o", tmp_path / "scores"),
            ("transfer", wrong, tmp_path, "-o", tmp_path / "out"),
        ):
            result = attrxfer(*arguments)
            assert result.returncode == 2 and f'did you mean "{right}"?' in result.stderr, (arguments, result.stderr)
            assert len(result.stderr.splitlines()) == 1, result.stderr


@pytest.mark.slow
def test_every_model_says_the_same_of_itself(trained: Path, file: Path, host: Host) -> None:
    for source in (trained, file, "truth"):
        metadata = load_model(source, host).metadata
        assert metadata["task"].keys() == {"name", "guided"} and metadata["chain"][0]["use"]
        assert metadata.keys() >= {"size", "sha256", "licences", "plugins"}
    assert load_model(file, host).metadata["recipe"] == load_model(trained, host).metadata["recipe"]


@pytest.mark.slow
@pytest.mark.parametrize("strength", [0.0, 0.4, 1.3])
def test_many_strengths_of_one_pass_are_those_of_a_pass_each(trained: Path, file: Path, strength: float) -> None:
    for source in (trained, file):
        model = load_model(source)
        np.testing.assert_array_equal(model.at_any_strength(IMAGES)(strength), model.images(IMAGES, strength))
        assert len(model.at_any_strength(IMAGES[:0])(strength)) == 0


@pytest.mark.slow
def test_a_file_keeps_the_contract_of_the_page_about_deployment(file: Path) -> None:
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    shape = ["batch", f"{MULTIPLE}*h", f"{MULTIPLE}*w", 3]
    images, results = ("images", "tensor(uint8)", shape), ("results", "tensor(uint8)", shape)
    assert [(each.name, each.type, each.shape) for each in session.get_inputs()] == [images, ("strength", "tensor(float)", [])]
    assert [(each.name, each.type, each.shape) for each in session.get_outputs()] == [results]
    metadata = json.loads(session.get_modelmeta().custom_metadata_map["attrxfer"])
    page = (Path(__file__).parents[2] / "docs" / "deploy.md").read_text()
    table = page.partition("| key | what |")[2].partition("\n\n")[0]
    keys = {key for row in table.splitlines()[2:] for key in re.findall(r"`([^`]+)`", row.split("|")[1])}
    assert keys == {*KEPT, *OPTIONAL, "largest error"} == metadata.keys()
    assert f"`format` | the number of the file format, {metadata['format']} |" in page
    assert "(N, 16 h, 16 w, 3)" in page and (MULTIPLE, LARGEST) == (16, 4096)
    assert f"N is from 1 to {LARGEST}, h and w from 1 to {LARGEST // MULTIPLE};" in page


@pytest.mark.slow
def test_only_bundles_are_exported(file: Path) -> None:
    with pytest.raises(AttrxferError, match=r"model.onnx: this is a file"):
        package.export(file)
    with pytest.raises(AttrxferError, match="truth: not a bundle or a finished run"):
        package.export("truth")


@pytest.mark.slow
def test_info_says_what_files_and_methods_are(file: Path) -> None:
    shown = attrxfer("info", file).stdout
    assert str(file) in shown and f"{SIZE} px" in shown and "generator masked" in shown
    assert "truth" in attrxfer("info", "truth").stdout


@pytest.mark.slow
@pytest.mark.parametrize("source", ["trained", "file"])
def test_a_result_has_the_form_of_what_is_given(source: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    model = package.load(request.getfixturevalue(source))
    results = model(IMAGES)
    np.testing.assert_array_equal(results, model.images(IMAGES))
    np.testing.assert_array_equal(model(IMAGES[0]), model.images(IMAGES[:1])[0])
    image = Image.fromarray(IMAGES[0])
    image.save(tmp_path / "image.png")
    np.testing.assert_array_equal(np.asarray(model(image)), model(IMAGES[0]))
    np.testing.assert_array_equal(np.asarray(model(tmp_path / "image.png")), model(IMAGES[0]))
    floats = model(torch.zeros(1, 3, SIZE, SIZE))
    assert floats.shape == (1, 3, SIZE, SIZE) and floats.dtype == torch.float32
    torch.testing.assert_close(model(torch.zeros(3, SIZE, SIZE)), floats[0])
    np.testing.assert_array_equal(model(IMAGES, np.float32(1)), results)  # type: ignore[call-overload]


def test_networks_take_other_sides_that_are_multiples_of_16(trained: Path) -> None:
    assert package.load(trained)(np.zeros((2, 48, 32, 3), np.uint8)).shape == (2, 48, 32, 3)


def test_a_photo_is_turned_as_its_camera_says(trained: Path, tmp_path: Path) -> None:
    model = load_model(trained)
    upright = Image.fromarray(IMAGES[0])
    exif = Image.Exif()
    exif[0x0112] = 6  # stored on its side, to be turned a quarter clockwise
    upright.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.png", exif=exif)
    np.testing.assert_array_equal(np.asarray(model(tmp_path / "turned.png")), model(IMAGES[0]))


def test_what_a_model_does_not_take_is_answered_in_one_line(trained: Path, tmp_path: Path) -> None:
    model: Any = package.load(trained)  # typed, it takes none of these
    text = tmp_path / "text.png"
    text.write_text("no image")
    for wrong, said in (
        (IMAGES.astype(np.float32), "this is an array of float32"),
        (IMAGES[0, 0], r"this is an array of uint8 \(16, 3\)"),
        (torch.zeros(SIZE, SIZE), "this is a tensor of torch.float32"),
        (torch.zeros(1, 3, SIZE, SIZE, dtype=torch.uint8), "this is a tensor of torch.uint8"),
        (torch.full((1, 3, SIZE, SIZE), 255.0), "this is a tensor with values up to 255"),
        (torch.zeros(1, 3, 20, 10), "the images have 10 x 20 pixels, the model takes 16 x 16"),
        (np.zeros((2, 20, 10, 3), np.uint8), "the images have 10 x 20 pixels, the model takes 16 x 16"),
        (Image.new("RGB", (20, 10)), "the image has 20 x 10 pixels, the model takes 16 x 16"),
        (tmp_path / "none.png", "none.png: no such file"),
        (tmp_path, "this is a folder"),
        (text, "text.png: not an image that can be opened"),
        ([tmp_path / "none.png"], "this is list"),
        (3, "this is int"),
    ):
        with pytest.raises(DataError, match=said) as caught:
            model(wrong)
        assert "\n" not in str(caught.value)
    for strength in ("a", None, float("nan")):
        with pytest.raises(DataError, match="strength is a number"):
            model(IMAGES, strength)


def test_the_package_shows_its_names_and_imports_no_torch() -> None:
    names = ["Recipe", "evaluate", "export", "load", "train"]
    code = f"import sys, attrxfer; print('torch' in sys.modules, [n for n in dir(attrxfer) if n[0] != '_'] == {names})"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["False", "True"]
    assert package.Recipe.__name__ == "Recipe"


@pytest.mark.parametrize("name", ["cuda", "cuda:7", "mps", "meta", "processor"])
def test_a_device_that_is_not_here_is_named(name: str, trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    with pytest.raises(AttrxferError, match=rf'--device: no device "{name}" here; this machine has cpu only'):
        load_model(trained, device=name)


def test_the_devices_of_a_machine_with_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: torch.device("cuda"))
    monkeypatch.setattr(torch.accelerator, "device_count", lambda: 2)
    assert open_device("cuda:1") == torch.device("cuda:1") and open_device("cpu") == torch.device("cpu")
    with pytest.raises(AttrxferError, match=r"this machine has cpu and cuda:0, cuda:1"):
        open_device("cuda:2")


def test_only_a_bundle_can_be_placed() -> None:
    with pytest.raises(AttrxferError, match=r"input_copy: only a bundle's networks can be placed on a device"):
        load_model("input_copy", device="cuda")
