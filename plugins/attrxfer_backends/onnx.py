"""ONNX files, and ONNX Runtime, which runs them. torch is imported only to export."""

from __future__ import annotations

import json
import logging
import os
import warnings
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from attrxfer.errors import AttrxferError, BundleError
from attrxfer.interfaces import Runner
from attrxfer.plugin.distribution import install
from attrxfer.storage.cache import cached

if TYPE_CHECKING:
    from torch import nn

METADATA = "attrxfer"
"""Key of attrxfer's metadata in the ONNX file."""
INSTALL = install("export")
MULTIPLE = 16
"""Height and width of an exported network's images are multiples of this, in pixels."""
LARGEST = 4096
"""Greatest height and width in pixels, and greatest number of images in a batch, that an exported network takes."""


def missing_modules(*modules: str) -> Sequence[str]:
    """The modules that are not installed, with the command that installs them; empty when all are."""
    missing = [name for name in modules if find_spec(name) is None]
    return [f"{', '.join(missing)}: {INSTALL}"] if missing else []


class OnnxExporter:
    """An ONNX file with inputs "images", uint8 (N, H, W, 3), and "strength", a scalar, and the output "results".

    Normalisation is part of the network. N is free. H and W are any multiples of 16, unless a network has a fixed size.
    """

    suffix: ClassVar[str] = ".onnx"

    @classmethod
    def missing(cls) -> Sequence[str]:
        return missing_modules("onnx", "onnxscript", "onnxruntime")

    def export(self, graph: nn.Module, example: NDArray[np.uint8], path: Path, metadata: Mapping[str, Any]) -> None:
        path.write_bytes(to_onnx(graph, example, metadata))

    def open(self, path: Path) -> tuple[Runner, Mapping[str, Any]]:
        return open_onnx(path)


class OnnxRuntime:
    """ONNX Runtime on the CPU; the exported network is stored in the cache."""

    automatic: ClassVar[bool] = True

    @classmethod
    def missing(cls) -> Sequence[str]:
        return missing_modules("onnx", "onnxscript", "onnxruntime")

    def prepare(self, graph: nn.Module, example: NDArray[np.uint8], key: str) -> Runner:
        return _runner(_session(cached_onnx(graph, example, key)))


def cached_onnx(graph: nn.Module, example: NDArray[np.uint8], key: str) -> Path:
    """The network's ONNX file in the cache; it is exported when it is not there.

    Args:
        graph: The torch module to export.
        example: uint8 images (N, S, S, 3).
        key: Names the network: equal for equal networks.
    """
    return cached(f"onnx/{key}-{example.shape[1]}.onnx", lambda: to_onnx(graph, example, {}))


def to_onnx(graph: nn.Module, example: NDArray[np.uint8], metadata: Mapping[str, Any]) -> bytes:
    """Export to ONNX, with a free image size if the network allows it.

    Args:
        graph: The torch module to export.
        example: uint8 images (N, S, S, 3).
        metadata: Stored in the file, as JSON.

    Returns:
        The bytes of the file.
    """
    import torch

    def exported(sizes: Mapping[int, Any]) -> Any:
        # torch.export would treat a batch of one image, or a side of 16, as fixed
        images = np.concatenate([example[:1]] * 2) if sizes == {} else np.tile(example[:1], (2, 2, 2, 1))
        arguments = (torch.from_numpy(images), torch.tensor(1.0))
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
    except Exception:  # torch.export raises many kinds of exceptions for a network that depends on the size
        program = exported({})
    model = program.model_proto
    entry = model.metadata_props.add()
    entry.key, entry.value = METADATA, json.dumps(dict(metadata), ensure_ascii=False)
    content: bytes = model.SerializeToString()
    return content


def open_onnx(path: Path) -> tuple[Runner, Mapping[str, Any]]:
    """Open an exported file.

    Returns:
        Its runner and its metadata.

    Raises:
        BundleError: The file is damaged, or attrxfer did not export it.
        AttrxferError: ONNX Runtime is not installed.
    """
    missing = missing_modules("onnxruntime")
    if missing:
        raise AttrxferError(f"{path}: missing: {missing[0]}")
    session = _session(path)
    metadata = session.get_modelmeta().custom_metadata_map.get(METADATA)
    if metadata is None:
        raise BundleError(f"{path}: an ONNX network, but not one that attrxfer exported")
    return _runner(session), json.loads(metadata)


def processors() -> int:
    """Number of processor cores that this process may use; all cores where the system does not tell (macOS)."""
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
    except Exception as error:  # damaged files raise many kinds of exceptions
        raise BundleError(f"{path}: damaged, or not an ONNX network ({' '.join(str(error).split())[:100]})") from None


def _runner(session: Any) -> Runner:
    side = session.get_inputs()[0].shape[1]

    def run(images: NDArray[np.uint8], strength: float) -> NDArray[np.uint8]:
        if isinstance(side, int) and images.shape[1:3] != (side, side):
            raise AttrxferError(f"this exported network takes images of {side} x {side} pixels only")
        results: NDArray[np.uint8] = session.run(None, {"images": images, "strength": np.array(strength, np.float32)})[0]
        return results

    return run
