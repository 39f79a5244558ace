"""OpenVINO files, converted from ONNX, and the OpenVINO runtime, which runs them."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from attrxfer.errors import AttrxferError, BundleError, in_a_line
from attrxfer.interfaces import Runner
from attrxfer.plugin.distribution import install
from attrxfer_backends import onnx

INSTALL = install("openvino")
PARTS = ("network.xml", "network.bin", "metadata.json", "precision")
PRECISIONS = ("f32", "bf16")


def missing_openvino() -> Sequence[str]:
    return [f"openvino: {INSTALL}"] if find_spec("openvino") is None else []


class OpenVinoExporter:
    """OpenVINO's .xml and .bin and the metadata in one uncompressed zip file."""

    suffix: ClassVar[str] = ".ov"
    precision: ClassVar[str] = "f32"

    @classmethod
    def missing(cls) -> Sequence[str]:
        return [*onnx.OnnxExporter.missing(), *missing_openvino()]

    def export(self, graph: Any, example: NDArray[np.uint8], path: Path, metadata: Mapping[str, Any]) -> None:
        import openvino

        model = _converted(onnx.to_onnx(graph, example, metadata))
        with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(path, "w") as file:
            openvino.save_model(model, Path(folder) / PARTS[0], compress_to_fp16=False)
            for name in PARTS[:2]:
                file.write(Path(folder) / name, name)
            file.writestr(PARTS[2], json.dumps(dict(metadata), ensure_ascii=False))
            file.writestr(PARTS[3], self.precision)

    def open(self, path: Path) -> tuple[Runner, Mapping[str, Any]]:
        missing = missing_openvino()
        if missing:
            raise AttrxferError(f"{path}: missing: {missing[0]}")
        import openvino

        try:
            with zipfile.ZipFile(path) as file:
                if sum(part.file_size for part in file.infolist()) > path.stat().st_size:
                    raise BundleError(f"{path}: damaged (its parts are compressed, and attrxfer compresses none)")
                network, weights, metadata, precision = (file.read(name) for name in PARTS)
        except (zipfile.BadZipFile, KeyError) as error:
            raise BundleError(f"{path}: damaged, or not what attrxfer exported ({in_a_line(error)})") from None
        if precision.decode("utf-8", "replace") not in PRECISIONS:
            raise BundleError(f"{path}: damaged (its precision is none of {', '.join(PRECISIONS)})")
        return _runner(openvino.Core().read_model(network, weights), precision.decode()), json.loads(metadata)


class OpenVinoHalfExporter(OpenVinoExporter):
    """A file that OpenVINO runs in bfloat16 where the processor computes in it natively, else in float32."""

    precision: ClassVar[str] = "bf16"


class OpenVino:
    """OpenVINO on the CPU, converted from the ONNX file in the cache."""

    automatic: ClassVar[bool] = True
    precision: ClassVar[str] = "f32"

    @classmethod
    def missing(cls) -> Sequence[str]:
        return OpenVinoExporter.missing()

    def prepare(self, graph: Any, example: NDArray[np.uint8], key: str) -> Runner:
        return _runner(_converted(onnx.cached_onnx(graph, example, key).read_bytes()), self.precision)


class OpenVinoHalf(OpenVino):
    """OpenVINO in bfloat16, for processors with AMX. Results differ by a few steps of 255, so ``auto`` never chooses it."""

    automatic: ClassVar[bool] = False
    precision: ClassVar[str] = "bf16"


def _converted(content: bytes) -> Any:
    import openvino

    return openvino.Core().read_model(io.BytesIO(content))


def _runner(model: Any, precision: str) -> Runner:
    import openvino

    # without this hint OpenVINO would use bf16 wherever the processor has it
    compiled = openvino.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": precision})

    def run(images: NDArray[np.uint8], strength: float) -> NDArray[np.uint8]:
        results = compiled({"images": images, "strength": np.array(strength, np.float32)})
        return np.array(next(iter(results.values())))

    return run
