import gzip
import tempfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from attrxfer_backends.onnx import OnnxExporter
from numpy.typing import NDArray

from attrxfer.errors import BundleError
from attrxfer.interfaces import Runner
from attrxfer.storage.files import write_bytes


class Gzip:
    """The ONNX file that the exporter ``onnx`` writes, compressed."""

    suffix: ClassVar[str] = ".onnxz"

    @classmethod
    def missing(cls) -> Sequence[str]:
        return OnnxExporter.missing()

    def export(self, graph: Any, example: NDArray[np.uint8], path: Path, metadata: Mapping[str, Any]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            plain = Path(folder) / "model.onnx"
            OnnxExporter().export(graph, example, plain, metadata)
            write_bytes(path, gzip.compress(plain.read_bytes()))

    def open(self, path: Path) -> tuple[Runner, Mapping[str, Any]]:
        with tempfile.TemporaryDirectory() as folder:
            plain = Path(folder) / "model.onnx"
            try:
                plain.write_bytes(gzip.decompress(path.read_bytes()))
            except (OSError, EOFError, zlib.error) as error:
                raise BundleError(f"{path}: damaged, or not a compressed ONNX file ({error})") from None
            return OnnxExporter().open(plain)
