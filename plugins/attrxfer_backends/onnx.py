"""ONNX: the exported file, and ONNX Runtime that runs it. torch is imported only to export."""

from __future__ import annotations

import json
import logging
import os
import warnings
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from attrxfer.errors import AttrxferError, BundleError
from attrxfer.interfaces import Runner
from attrxfer.storage.cache import cache_folder
from attrxfer.storage.files import write_bytes

METADATA = "attrxfer"
"""The key of the card among the file's metadata."""
INSTALL = "pip install 'attrxfer[export]'"
MULTIPLE = 16
"""Sides of images that an exported network takes are multiples of this."""
LARGEST = 4096


def missing_modules(*modules: str) -> Sequence[str]:
    """What is not installed, with the command that installs it."""
    missing = [name for name in modules if find_spec(name) is None]
    return [f"{', '.join(missing)}: {INSTALL}"] if missing else []


class OnnxExporter:
    """ONNX with normalisation inside: "images" uint8 (N, H, W, 3) and "strength" () -> "results". Batch and size are
    free (sizes: multiples of 16), where the chain allows it; a chain with a fixed size keeps it."""

    suffix: ClassVar[str] = ".onnx"

    @classmethod
    def missing(cls) -> Sequence[str]:
        return missing_modules("onnx", "onnxscript", "onnxruntime")

    def export(self, graph: Any, example: NDArray[np.uint8], path: Path, metadata: Mapping[str, Any]) -> None:
        path.write_bytes(to_onnx(graph, example, metadata))

    def open(self, path: Path) -> tuple[Runner, Mapping[str, Any]]:
        return open_onnx(path)


class OnnxRuntime:
    """ONNX Runtime on the processor; the exported network is kept in the cache."""

    automatic: ClassVar[bool] = True

    @classmethod
    def missing(cls) -> Sequence[str]:
        return missing_modules("onnx", "onnxscript", "onnxruntime")

    def prepare(self, graph: Any, example: NDArray[np.uint8], key: str) -> Runner:
        return _runner(_session(cached(graph, example, key)))


def cached(graph: Any, example: NDArray[np.uint8], key: str) -> Path:
    """The network's ONNX file in the cache, made when it is not there."""
    path = cache_folder() / "onnx" / f"{key}-{example.shape[1]}.onnx"
    if not path.is_file():
        write_bytes(path, to_onnx(graph, example, {}))
    return path


def to_onnx(graph: Any, example: NDArray[np.uint8], metadata: Mapping[str, Any]) -> bytes:
    """The bytes of an ONNX file, free in batch and size where the chain allows it, with ``metadata`` in its metadata."""
    import torch

    def exported(sizes: Mapping[int, Any]) -> Any:
        # torch.export takes a batch of one, or a side of one multiple, for fixed
        shown = np.concatenate([example[:1]] * 2) if sizes == {} else np.tile(example[:1], (2, 2, 2, 1))
        arguments = (torch.from_numpy(shown), torch.tensor(1.0))
        shapes = ({0: torch.export.Dim("batch", min=1, max=LARGEST), **sizes}, None)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.onnx.export(
                graph,
                arguments,
                dynamo=True,
                verbose=False,
                input_names=["images", "strength"],
                output_names=["results"],
                dynamic_shapes=shapes,
            )

    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    free = {axis: MULTIPLE * torch.export.Dim(name, min=1, max=LARGEST // MULTIPLE) for axis, name in ((1, "h"), (2, "w"))}
    try:
        program = exported(free)
    except Exception:  # torch.export has many ways to say that a network computes with its image's size
        program = exported({})
    model = program.model_proto
    entry = model.metadata_props.add()
    entry.key, entry.value = METADATA, json.dumps(dict(metadata), ensure_ascii=False)
    content: bytes = model.SerializeToString()
    return content


def open_onnx(path: Path) -> tuple[Runner, Mapping[str, Any]]:
    """A file's runner and card. Raises BundleError when it is damaged or not attrxfer's, AttrxferError without ONNX Runtime."""
    missing = missing_modules("onnxruntime")
    if missing:
        raise AttrxferError(f"{path}: to run it needs {missing[0]}")
    session = _session(path)
    metadata = session.get_modelmeta().custom_metadata_map.get(METADATA)
    if metadata is None:
        raise BundleError(f"{path}: an ONNX network, but not one that attrxfer exported")
    return _runner(session), json.loads(metadata)


def processors() -> int:
    """How many this process may use; macOS does not say, and gives all."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed is not None else os.cpu_count() or 1


def _session(path: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    threads = os.environ.get("OMP_NUM_THREADS", "")
    options.intra_op_num_threads = int(threads) if threads.isdigit() else processors()
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # each kind of damage has an exception of its own
        raise BundleError(f"{path}: damaged, or not an ONNX network ({' '.join(str(error).split())[:100]})") from None


def _runner(session: Any) -> Runner:
    side = session.get_inputs()[0].shape[1]

    def run(images: NDArray[np.uint8], strength: float) -> NDArray[np.uint8]:
        if isinstance(side, int) and images.shape[1:3] != (side, side):
            raise AttrxferError(f"this exported network takes images of {side} x {side} pixels only")
        found: NDArray[np.uint8] = session.run(None, {"images": images, "strength": np.array(strength, np.float32)})[0]
        return found

    return run
