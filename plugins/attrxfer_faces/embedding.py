"""Face embeddings of a network of the user's own: ONNX, or timm with weights; the face aligned as such networks expect."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.transform import warp

from attrxfer.errors import DataError
from attrxfer.media.photos.similarity import PIXEL_CENTRE, estimate_similarity
from attrxfer.storage.files import read_tensors

SIDE = 112
TEMPLATE = np.array([(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)])
"""Where ArcFace's networks expect eyes, nose and corners of the mouth, x and y in images of ``SIDE`` pixels."""
HALF = 127.5
ITS_OWN = 8
"""How many nodes at the beginning of an ONNX file are searched for a normalisation of its own."""
BATCH = 32
INSTALL = "pip install 'attrxfer[export]'"


@dataclass(frozen=True)
class Embedder:
    """run: RGB (N, 3, side, side) float32, normalised by ``mean`` and ``std`` of 0..255 (1 or 3 of each), to (N, C). batch:
    how many images it takes at once."""

    run: Callable[[NDArray[np.float32]], NDArray[np.float32]]
    side: int
    mean: Sequence[float] = (HALF,)
    std: Sequence[float] = (HALF,)
    batch_size: int = BATCH

    def __call__(self, images: NDArray[np.uint8], points: NDArray[Any], *, flip: bool = False) -> NDArray[np.float64]:
        """Embeddings of length 1 (N, C) of images (N, S, S, 3) whose five points (N, 5, 2) are these; NaN where they cannot
        be aligned. ``flip``: the sum with the mirrored image's."""
        found: NDArray[np.float64] | None = None
        seen = ((row, aligned(image, five, self.side)) for row, (image, five) in enumerate(zip(images, points, strict=True)))
        known = ((row, face) for row, face in seen if face is not None)
        while batch := list(itertools.islice(known, self.batch_size)):
            rows, faces = [row for row, _ in batch], np.stack([face for _, face in batch])
            normalized = ((faces - np.array(self.mean)) / np.array(self.std)).transpose(0, 3, 1, 2).astype(np.float32)
            vectors = self.run(normalized)
            if flip:
                vectors = vectors + self.run(np.ascontiguousarray(normalized[..., ::-1]))
            if found is None:
                found = np.full((len(images), vectors.shape[1]), np.nan)
            found[rows] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.full((len(images), 1), np.nan) if found is None else found


def aligned(image: NDArray[np.uint8], points: NDArray[Any], side: int = SIDE) -> NDArray[np.float64] | None:
    """The image (S, S, 3) turned, scaled and moved (a similarity, by least squares) so that its five points (5, 2) come to
    lie on the template: (side, side, 3), 0..255, black beyond its border. None where a point is NaN or all are in one
    place."""
    found = estimate_similarity(points, TEMPLATE * (side / SIDE), side)
    if found is None:
        return None
    back = 1 / found.rotation
    start = (PIXEL_CENTRE - found.translation) * back - PIXEL_CENTRE  # warp counts from the middle of the first pixel
    matrix = np.array([[back.real, -back.imag, start.real], [back.imag, back.real, start.imag], [0, 0, 1]])
    result: NDArray[np.float64] = warp(image, matrix, output_shape=(side, side), order=1, preserve_range=True)
    return result


def missing_embedder(network: Path, architecture: str) -> Sequence[str]:
    """What is missing before the network in this file can be read."""
    if not network.is_file():
        return [f"the face embedding: {network}: no such file"]
    if network.suffix == ".onnx":
        missing = [name for name in ("onnx", "onnxruntime") if find_spec(name) is None]
        return [f"{', '.join(missing)}: {INSTALL}"] if missing else []
    name = architecture or _statement(network).get("architecture", "")
    import timm  # takes seconds

    return [] if timm.is_model(name) else [f'timm\'s name of the network in {network}: architecture = "..."']


def load_embedder(network: Path, architecture: str = "") -> Embedder:
    """The network of an ONNX file, or of a state dict of timm's ``architecture``. Raises DataError, naming the file, when it
    holds no network that takes faces and gives a vector."""
    try:
        embedder = _onnx(network) if network.suffix == ".onnx" else _timm(network, architecture)
        vectors = embedder.run(np.zeros((1, 3, embedder.side, embedder.side), np.float32))
    except DataError:
        raise
    except Exception as error:  # a file may be damaged, or of another kind of network, in any way
        raise DataError(f"{network}: no face embedding ({' '.join(str(error).split())[:150]})") from None
    if vectors.ndim != 2:
        raise DataError(f"{network}: gives {vectors.shape} for one face, not a vector")
    return embedder


def _onnx(path: Path) -> Embedder:
    """Its side, batch and order of axes are those that the file states; one that begins with a subtraction and a scaling
    normalises by itself."""
    import onnx
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    given, first = session.get_inputs()[0], session.get_outputs()[0].name
    last = given.shape[3] == 3  # (N, H, W, 3)
    side = given.shape[1 if last else 2]

    def run(normalized: NDArray[np.float32]) -> NDArray[np.float32]:
        fed = np.ascontiguousarray(normalized.transpose(0, 2, 3, 1)) if last else normalized
        return np.asarray(session.run([first], {given.name: fed})[0], np.float32)

    nodes = {node.op_type for node in onnx.load(str(path), load_external_data=False).graph.node[:ITS_OWN]}
    itself = "Sub" in nodes and bool(nodes & {"Mul", "Div"})
    mean, std = ((0.0,), (1.0,)) if itself else ((HALF,), (HALF,))
    batch = given.shape[0] if isinstance(given.shape[0], int) else BATCH
    return Embedder(run, side if isinstance(side, int) else SIDE, mean, std, batch)


def _timm(path: Path, architecture: str) -> Embedder:
    """What the network gives is the embedding: with as many outputs as its last layer in the file has, or without one. Its
    side and normalisation are those that a ``config.json`` beside it states, as on the Hugging Face Hub."""
    import timm
    import torch

    said, weights = _statement(path), read_tensors(path)
    config = said.get("pretrained_cfg", {})
    side = config.get("input_size", (3, SIDE, SIDE))[-1]
    name = architecture or said.get("architecture", "")
    fixed = timm.get_pretrained_cfg_value(name, "fixed_input_size")
    network: Any = timm.create_model(name, num_classes=0, **({"img_size": side} if fixed else {}), **said.get("model_args", {}))
    head = weights.get(f"{network.pretrained_cfg.get('classifier')}.weight")
    if head is not None:
        network.reset_classifier(len(head))
    network.load_state_dict(weights)
    network.eval()

    def run(normalized: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.no_grad():
            return np.asarray(network(torch.from_numpy(normalized)).numpy(), np.float32)

    mean, std = ([255 * value for value in config.get(key, (0.5,))] for key in ("mean", "std"))
    return Embedder(run, side, mean, std)


def _statement(path: Path) -> Mapping[str, Any]:
    beside = path.with_name("config.json")
    said: Mapping[str, Any] = json.loads(beside.read_text()) if beside.is_file() else {}
    return said
