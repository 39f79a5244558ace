"""Backends and exported files: equal to torch, chosen by measurement, usable without torch; and folders that overlap."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from attrxfer.media.batch import process_files
from attrxfer.media.files import find_tasks
from attrxfer.media.images import is_image
from attrxfer.media.processors import CropProcessor
from attrxfer.model import inference as running
from attrxfer.plugin.host import Host
from tests.conftest import TINY, attrxfer, attrxfer_process, load_bundle, train

SIZE = 16
CHAIN = (
    *TINY,
    "enhancer=[{use='local', width=4}]",
    "train.local_enhancer={network={use='face_features', width=4}, locator={use='auto', region='mouth'}, steps=2}",
    "train.face_features.steps=2",
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, host: Host) -> Path:
    """A run whose chain is a generator and an enhancer."""
    return train(host, tmp_path_factory.mktemp("running") / "run", CHAIN)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(5):
        array = np.random.default_rng(number).integers(0, 256, (SIZE, SIZE, 3)).astype(np.uint8)
        Image.fromarray(array).save(folder / f"{number}.png")
    return folder


def read(folder: Path) -> NDArray[np.uint8]:
    return np.stack([np.asarray(Image.open(path)) for path in sorted(folder.glob("*.png"))])


# ---------------------------------------------------------------- graphs and backends


def test_a_graph_is_what_a_transfer_does(trained: Path) -> None:
    transfer = load_bundle(trained)
    images = np.random.default_rng(0).integers(0, 256, (4, SIZE, SIZE, 3)).astype(np.uint8)
    for strength in (1.0, 0.3, 1.4):
        with torch.no_grad():
            found = transfer.graph()(torch.from_numpy(images), torch.tensor(strength)).numpy()
        assert np.abs(found.astype(int) - transfer.images(images, strength)).max() <= 1


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["onnx", "openvino", "auto"])
def test_backends_write_the_images_that_torch_writes(backend: str, trained: Path, photos: Path, tmp_path: Path) -> None:
    for name in ("torch", backend):
        result = attrxfer(
            "transfer", "--aligned", trained, photos, "-o", tmp_path / name, "--backend", name, "--strength", "0.8"
        )
        assert result.returncode == 0, result.stderr
    assert np.abs(read(tmp_path / "torch").astype(int) - read(tmp_path / backend)).max() <= 1


def test_auto_measures_once_and_takes_the_fastest(
    trained: Path, host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATTRXFER_CACHE", str(tmp_path))
    measured: list[str] = []

    def measure(name: str, *arguments: Any) -> float:
        measured.append(name)
        return {"onnx": 0.2, "openvino": 0.1, "torch": 0.3}[name]

    monkeypatch.setattr(running, "_measure", measure)
    graph = load_bundle(trained).graph()
    example = np.zeros((CropProcessor.batch_size, SIZE, SIZE, 3), np.uint8)
    for _ in range(2):
        assert running.fastest(graph, example, "key", host.registry) == "openvino"
    assert sorted(measured) == ["onnx", "openvino", "torch"], "compile and bf16 are never chosen by themselves"
    running.fastest(graph, np.zeros((CropProcessor.batch_size, 2 * SIZE, 2 * SIZE, 3), np.uint8), "key", host.registry)
    assert len(measured) == 6, "another size is measured anew"
    files = list((tmp_path / "backends").iterdir())
    kept = json.loads(files[0].read_text())
    assert len(files) == 2 and kept["fastest"] == "openvino" and kept["seconds"]["torch"] == 0.3


# ---------------------------------------------------------------- exported files


@pytest.fixture(scope="module")
def exported(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("exported")
    for form, name in (("onnx", "model.onnx"), ("openvino", "model.ov")):
        result = attrxfer("export", trained, "--to", form, "-o", folder / name)
        assert result.returncode == 0, result.stderr
        assert "largest error against torch" in result.stdout
    return {"onnx": folder / "model.onnx", "openvino": folder / "model.ov"}


@pytest.mark.slow
@pytest.mark.parametrize("form", ["onnx", "openvino"])
def test_an_exported_file_transfers_without_torch(
    form: str, exported: dict[str, Path], trained: Path, photos: Path, tmp_path: Path
) -> None:
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / "torch.py").write_text('raise ImportError("there is no torch here")\n')
    env = {"PYTHONPATH": os.pathsep.join([str(blocked), *filter(None, [os.environ.get("PYTHONPATH")])])}
    result = attrxfer_process("transfer", "--aligned", trained, photos, "-o", tmp_path / "no", env=env)
    assert result.returncode != 0 and "there is no torch here" in result.stderr, "torch is really out of reach"
    written = ("-o", tmp_path / "out", "--strength", "0.8")
    result = attrxfer_process("transfer", "--aligned", exported[form], photos, *written, env=env)
    assert result.returncode == 0, result.stderr
    assert attrxfer("transfer", "--aligned", trained, photos, "-o", tmp_path / "torch", "--strength", "0.8").returncode == 0
    assert np.abs(read(tmp_path / "torch").astype(int) - read(tmp_path / "out")).max() <= 1


@pytest.mark.slow
def test_eight_bits_are_measured_on_images(trained: Path, photos: Path, exported: dict[str, Path], tmp_path: Path) -> None:
    """Its weights are bytes, and its results are near torch's on images like those it was measured on."""
    import onnx

    path = tmp_path / "small.onnx"
    refused = attrxfer("export", trained, "--to", "onnx_int8", "-o", path)
    assert refused.returncode == 2 and "needs example images: --check PHOTOS" in refused.stderr
    result = attrxfer("export", trained, "--to", "onnx_int8", "-o", path, "--check", photos)
    assert result.returncode == 0, result.stderr
    kinds = {tensor.data_type for tensor in onnx.load(path).graph.initializer if len(tensor.dims) == 4}
    assert kinds == {onnx.TensorProto.INT8}
    for model, out in ((path, "small"), (exported["onnx"], "whole")):
        assert attrxfer("transfer", "--aligned", model, photos, "-o", tmp_path / out).returncode == 0
    difference = np.abs(read(tmp_path / "small").astype(int) - read(tmp_path / "whole"))
    assert difference.max() > 0 and difference.mean() < 2


@pytest.mark.slow
def test_an_exported_file_is_scored_beside_its_bundle(exported: dict[str, Path], trained: Path, tmp_path: Path) -> None:
    metric = 'metric=[{use="preserved"}]'
    result = attrxfer("evaluate", trained, exported["onnx"], "--limit", "4", "--set", metric, "-o", tmp_path / "scores")
    assert result.returncode == 0, result.stderr
    scores = json.loads((tmp_path / "scores" / "scores.json").read_text())["scores"]
    ours, theirs = scores[str(trained)], scores[str(exported["onnx"])]
    assert theirs["PSNR where nothing should change"]["value"] == pytest.approx(
        ours["PSNR where nothing should change"]["value"], abs=0.5
    )


@pytest.mark.slow
def test_the_largest_error_is_in_the_file_and_batch_and_size_are_free(exported: dict[str, Path]) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(exported["onnx"]))
    metadata = json.loads(session.get_modelmeta().custom_metadata_map["attrxfer"])
    assert metadata["largest error"]["steps of 255"] <= 1 and metadata["largest error"]["compared on"] == "noise"
    assert metadata["task"]["guided"] == {"Male": False} and metadata["size"] == SIZE and metadata["licences"]
    for shape in ((1, 32, 48, 3), (7, 16, 16, 3)):
        feed = {"images": np.zeros(shape, np.uint8), "strength": np.array(1, np.float32)}
        assert session.run(None, feed)[0].shape == shape


def test_mistakes_are_one_line(trained: Path, photos: Path, tmp_path: Path) -> None:
    damaged, foreign = tmp_path / "damaged.onnx", tmp_path / "foreign.onnx"
    damaged.write_bytes(b"no network")
    import onnx
    from onnx import TensorProto, helper

    node = helper.make_node("Identity", ["images"], ["results"])
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 16, 16, 3]) for name in ("images", "results")]
    model = helper.make_model(helper.make_graph([node], "g", value[:1], value[1:]), opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 10
    onnx.save(model, foreign)
    half, torn, older, oldest = (tmp_path / f"{name}.onnx" for name in ("half", "torn", "older", "oldest"))
    for path, metadata in (
        (half, '{"format": 2, "size": 16}'),
        (torn, "{"),
        (older, '{"size": 16}'),
        (oldest, '{"format": 1}'),
    ):
        while model.metadata_props:
            model.metadata_props.pop()
        helper.set_model_props(model, {"attrxfer": metadata})
        onnx.save(model, path)
    mistakes: list[tuple[list[str | Path], str]] = [
        (["transfer", "--aligned", trained, photos, "--backend", "onx"], 'no backend "onx"; did you mean "onnx"?'),
        (["transfer", damaged, photos], "damaged.onnx: damaged, or not an ONNX network"),
        (["transfer", foreign, photos], "foreign.onnx: an ONNX network, but not one that attrxfer exported"),
        (["transfer", half, photos], "half.onnx: damaged (sha256: missing)"),
        (["transfer", older, photos], "older.onnx: not a model file of format 2; it may need another version of attrxfer"),
        (["transfer", oldest, photos], "oldest.onnx: model file of format 1; this version reads format 2: export it again"),
        (["transfer", torn, photos], "torn.onnx: damaged (Expecting property name"),
        (["export", trained, "--to", "onx"], 'no exporter "onx"; did you mean "onnx"?'),
        (["export", photos], "neither a bundle nor a finished run"),
        (["export", trained, "--to", "openvino"], "out: openvino files end in .ov"),
    ]
    for arguments, message in mistakes:
        result = attrxfer(*arguments, "-o", tmp_path / "out")
        assert result.returncode == 2 and message in result.stderr, result.stderr
        assert len(result.stderr.splitlines()) == 1 and not (tmp_path / "out").exists()


# ---------------------------------------------------------------- folders


class Slow:
    """A transfer that takes its time and notes when it works."""

    name, size, framing, alignment = "slow", SIZE, None, None

    def __init__(self, seconds: float) -> None:
        self.guided: dict[str, bool] = {}
        self.metadata: dict[str, Any] = {}
        self.seconds = seconds
        self.batches: list[int] = []

    def images(self, images_u8: NDArray[np.uint8], strength: float = 1.0) -> NDArray[np.uint8]:
        time.sleep(self.seconds)
        self.batches.append(len(images_u8))
        return 255 - images_u8


@pytest.mark.slow
def test_reading_and_writing_go_on_while_a_batch_is_transferred(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By order, not by the clock: a batch is read before the one before it is through."""
    events: list[str] = []
    source = photos / "0.png"
    (tmp_path / "many").mkdir()
    for number in range(3 * CropProcessor.batch_size + 1):
        shutil.copy(source, tmp_path / "many" / f"{number:03d}.png")
    read_batch: Callable[..., Any] = CropProcessor._read

    def noted(*arguments: Any) -> Any:
        events.append("read")
        return read_batch(*arguments)

    monkeypatch.setattr(CropProcessor, "_read", noted)
    slow = Slow(0.3)
    passes = slow.images

    def working(images_u8: NDArray[np.uint8], strength: float = 1.0) -> NDArray[np.uint8]:
        found = passes(images_u8, strength)
        events.append("through")
        return found

    slow.images = working  # type: ignore[method-assign]
    progress: list[tuple[int, int]] = []
    tasks = find_tasks([tmp_path / "many"], tmp_path / "out", is_image, "images").tasks
    outcome = process_files(tasks, [CropProcessor(slow)], on_result=lambda file, *done: progress.append(done))
    assert outcome.written == 3 * CropProcessor.batch_size + 1 and slow.batches == [
        CropProcessor.batch_size,
        CropProcessor.batch_size,
        CropProcessor.batch_size,
        1,
    ]
    assert events.index("through") >= 3, f"three batches are read before the first is through: {events}"
    assert progress[-1] == (3 * CropProcessor.batch_size + 1,) * 2 and progress == sorted(progress)
    wanted = 255 - np.asarray(Image.open(source))
    assert all(np.array_equal(np.asarray(Image.open(path)), wanted) for path in (tmp_path / "out").iterdir())


@pytest.mark.parametrize(("unit", "expected"), [("amx_bf16", True), ("avx512_bf16", True), ("avx512_f", False)])
def test_bfloat16_is_calculated_by_amx_and_by_avx512(unit: str, expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {unit: True})
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert running.has_bfloat16() is expected


@pytest.mark.parametrize("native", [True, False])
def test_bfloat16_that_a_gpu_emulates_does_not_count(native: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation or native)
    assert running.has_bfloat16() is native
