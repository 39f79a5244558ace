"""Reads VGG-Face's first five convolutions from its file formats. Shapes are checked, and no pickle is executed."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor

from attrxfer.errors import DataError
from attrxfer.storage.files import sha256 as file_hash
from attrxfer_diat.torch7 import read_torch7

LAYERS = {"conv1_1": 1, "conv1_2": 1, "conv2_1": 2, "conv2_2": 2, "conv3_1": 4}
"""Channels in units of 64."""
MEAN = (129.1863, 104.7624, 93.5940)
"""VGG-Face's mean colour, RGB in 0..255."""
TIMM = {"conv1_1": 0, "conv1_2": 2, "conv2_1": 5, "conv2_2": 7, "conv3_1": 10}
"""Indices of these layers in ``features`` of timm's and torchvision's vgg16."""
Pairs = dict[str, tuple[NDArray[Any], NDArray[Any]]]
"""Weights (out, in, 3, 3) and biases (out,) by layer."""


def find_weights(path: Path | None) -> Path:
    """The file of weights: ``path``, else $ATTRXFER_VGG_FACE.

    Raises:
        DataError: There is no such file.
    """
    file = path or Path(os.environ.get("ATTRXFER_VGG_FACE", ""))
    if not file.is_file():
        raise DataError(f"VGG-Face's weights: {file}: no such file")
    return file


def checked_hash(path: Path, expected: str = "", what: str = "VGG-Face") -> str:
    """Compute the hash of a file of weights and print it on stderr.

    Args:
        path: The file.
        expected: The SHA-256 that it must have; "" accepts any.
        what: What the file is, for the line.

    Returns:
        The SHA-256, as hex digits.

    Raises:
        DataError: The file has another hash than expected.
    """
    sha256 = file_hash(path)
    if expected and expected != sha256:
        raise DataError(f"{path}: sha256 {sha256}, expected {expected}")
    _print_once(f"{what}: {path}, sha256 {sha256}")
    return sha256


@functools.cache
def _print_once(line: str) -> None:
    """Print a line only the first time: a network is built several times in a run."""
    print(line, file=sys.stderr)


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read a file as the state dict of ``FirstFive`` at width 64.

    Raises:
        DataError: The format is unknown, a layer is missing or has another shape; the message names the file.
    """
    readers = {
        ".pth": _torch, ".pt": _torch, ".safetensors": _safetensors, ".t7": _torch7, ".h5": _keras, ".hdf5": _keras,
        ".mat": _matconvnet,
    }  # fmt: skip
    if path.suffix not in readers:
        raise DataError(f"{path}: not a known format of VGG-Face ({', '.join(readers)})")
    try:
        pairs = readers[path.suffix](path)
    except DataError:
        raise
    except Exception as error:  # damaged files raise many kinds of exceptions
        raise DataError(f"{path}: cannot be read as {path.suffix}: {' '.join(str(error).split())}") from None
    return _checked(path, pairs)


def _checked(path: Path, pairs: Pairs) -> dict[str, Tensor]:
    state: dict[str, Tensor] = {}
    inputs = 3
    for name, units in LAYERS.items():
        if name not in pairs:
            raise DataError(f"{path}: has no layer {name}")
        weight, bias = pairs[name]
        expected = ((64 * units, inputs, 3, 3), (64 * units,))
        if (weight.shape, bias.shape) != expected:
            raise DataError(
                f"{path}: {name} has shapes {weight.shape}, {bias.shape}; VGG-Face's are {expected[0]}, {expected[1]}"
            )
        state[f"{name}.weight"] = torch.from_numpy(np.array(weight, np.float32))
        state[f"{name}.bias"] = torch.from_numpy(np.array(bias, np.float32))
        inputs = 64 * units
    return state


def _by_name(state: Mapping[str, Any]) -> Pairs:
    """The layers of a state dict with the names of vgg_face_dag or of timm's vgg16."""
    pairs: Pairs = {}
    for name, number in TIMM.items():
        for prefix in (name, f"features.{number}"):
            if f"{prefix}.weight" in state:
                pairs[name] = (state[f"{prefix}.weight"].numpy(), state[f"{prefix}.bias"].numpy())
    return pairs


def _torch(path: Path) -> Pairs:
    return _by_name(torch.load(path, map_location="cpu", weights_only=True))


def _safetensors(path: Path) -> Pairs:
    return _by_name(load_file(path))


def _torch7(path: Path) -> Pairs:
    """Oxford's VGG_FACE.t7: the convolutions of a Sequential in order; its input is BGR.

    Oxford's demo subtracts the RGB mean from BGR images; here each channel has its own mean subtracted.
    """
    convolutions = [m for m in _modules(read_torch7(path)) if m.get("kW") == 3 and m.get("bias") is not None]
    pairs: Pairs = {}
    for name, module in zip(LAYERS, convolutions, strict=False):
        weight = np.asarray(module["weight"])
        planes = int(module["nInputPlane"])
        pairs[name] = (weight.reshape(-1, planes, 3, 3), np.asarray(module["bias"]))
    return _first_layer_to_rgb(pairs)


def _modules(node: Any) -> list[dict[Any, Any]]:
    """All modules with weights, depth first, in the order of the Sequential."""
    if not isinstance(node, dict):
        return []
    own = [node] if "weight" in node and "nInputPlane" in node else []
    children = node.get("modules")
    if isinstance(children, dict):
        for key in sorted(key for key in children if isinstance(key, int | float)):
            own += _modules(children[key])
    return own


def _first_layer_to_rgb(pairs: Pairs) -> Pairs:
    if "conv1_1" in pairs:
        weight, bias = pairs["conv1_1"]
        pairs["conv1_1"] = (weight[:, ::-1].copy(), bias)
    return pairs


def _keras(path: Path) -> Pairs:
    """keras-vggface's vgg16: kernels (3, 3, in, out) below groups named by layer; its input is BGR."""
    try:
        import h5py
    except ImportError:
        raise DataError(f"{path}: reading Keras files takes h5py: pip install h5py") from None
    pairs: Pairs = {}
    with h5py.File(path, "r") as file:
        arrays: dict[str, NDArray[Any]] = {}
        file.visititems(lambda name, item: arrays.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    for name in LAYERS:
        own = [array for key, array in arrays.items() if name in key.split("/")]
        kernels, biases = [a for a in own if a.ndim == 4], [a for a in own if a.ndim == 1]
        if kernels and biases:
            pairs[name] = (kernels[0].transpose(3, 2, 0, 1), biases[0])
    return _first_layer_to_rgb(pairs)


def _matconvnet(path: Path) -> Pairs:
    """Oxford's vgg_face.mat: kernels (3, 3, in, out) in ``layers`` (``net.layers`` in some); its input is RGB."""
    from scipy.io import loadmat

    content = loadmat(path, struct_as_record=False, squeeze_me=True)
    layers = content["layers"] if "layers" in content else content["net"].layers
    pairs: Pairs = {}
    for layer in layers:
        weights = getattr(layer, "weights", None)
        if getattr(layer, "name", None) in LAYERS and weights is not None:
            kernel, bias = weights
            pairs[layer.name] = (kernel.transpose(3, 2, 0, 1), np.atleast_1d(bias).reshape(-1))
    return pairs
