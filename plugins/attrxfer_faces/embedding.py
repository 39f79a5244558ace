"""Face embeddings of a network from a file of yours (ONNX, or weights of a timm network), with faces aligned for it."""

from __future__ import annotations

import itertools
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
from attrxfer.plugin.distribution import install
from attrxfer.storage.files import read_json, read_tensors

SIDE = 112
TEMPLATE = np.array([(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)])
"""ArcFace's positions of eyes, nose and corners of the mouth, x and y in images of ``SIDE`` pixels."""
HALF = 127.5
FIRST_NODES = 8
"""Number of first nodes of an ONNX file that are searched for a normalisation."""
BATCH = 32
INSTALL = install("export")


@dataclass(frozen=True)
class Embedder:
    """A network that gives face embeddings.

    Attributes:
        run: The network: float32 RGB (N, 3, side, side), normalised, to (N, C).
        side: Side of its images in pixels.
        mean: Subtracted from values in 0..255; 1 or 3 numbers.
        std: Values are divided by this; 1 or 3 numbers.
        batch_size: Images that it takes at once.
    """

    run: Callable[[NDArray[np.float32]], NDArray[np.float32]]
    side: int
    mean: Sequence[float] = (HALF,)
    std: Sequence[float] = (HALF,)
    batch_size: int = BATCH

    def __call__(self, images: NDArray[np.uint8], points: NDArray[Any], *, flip: bool = False) -> NDArray[np.float64]:
        """Embeddings of aligned faces.

        Args:
            images: uint8 RGB (N, S, S, 3).
            points: The five points (N, 5, 2) of each face, in pixels.
            flip: Add the embedding of the mirrored face.

        Returns:
            Vectors of length 1 (N, C); NaN where a face cannot be aligned.
        """
        embeddings: NDArray[np.float64] | None = None
        cropped = ((row, aligned(image, five, self.side)) for row, (image, five) in enumerate(zip(images, points, strict=True)))
        faces_by_row = ((row, face) for row, face in cropped if face is not None)
        while batch := list(itertools.islice(faces_by_row, self.batch_size)):
            rows, faces = [row for row, _ in batch], np.stack([face for _, face in batch])
            normalized = ((faces - np.array(self.mean)) / np.array(self.std)).transpose(0, 3, 1, 2).astype(np.float32)
            vectors = self.run(normalized)
            if flip:
                vectors = vectors + self.run(np.ascontiguousarray(normalized[..., ::-1]))
            if embeddings is None:
                embeddings = np.full((len(images), vectors.shape[1]), np.nan)
            embeddings[rows] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.full((len(images), 1), np.nan) if embeddings is None else embeddings


def aligned(image: NDArray[np.uint8], points: NDArray[Any], side: int = SIDE) -> NDArray[np.float64] | None:
    """Cut out a face by the similarity transform that brings its five points nearest to the template (least squares).

    Args:
        image: uint8 RGB (S, S, 3).
        points: The five points (5, 2) of the face, x and y in pixels.
        side: Side of the result in pixels.

    Returns:
        (side, side, 3) in 0..255, black beyond the image's border; None where a point is NaN or all points are equal.
    """
    found = estimate_similarity(points, TEMPLATE * (side / SIDE), side)
    if found is None:
        return None
    back = 1 / found.rotation
    start = (PIXEL_CENTRE - found.translation) * back - PIXEL_CENTRE  # warp counts from the middle of the first pixel
    matrix = np.array([[back.real, -back.imag, start.real], [back.imag, back.real, start.imag], [0, 0, 1]])
    result: NDArray[np.float64] = warp(image, matrix, output_shape=(side, side), order=1, preserve_range=True)
    return result


def missing_embedder(network: Path, architecture: str) -> Sequence[str]:
    """What is missing (the file, a package, timm's name) before the network can be read; empty when nothing is."""
    if not network.is_file():
        return [f"the face embedding: {network}: no such file"]
    if network.suffix == ".onnx":
        missing = [name for name in ("onnx", "onnxruntime") if find_spec(name) is None]
        return [f"{', '.join(missing)}: {INSTALL}"] if missing else []
    name = architecture or _stated(network).get("architecture", "")
    import timm  # takes seconds

    return [] if timm.is_model(name) else [f'timm\'s name of the network in {network}: set architecture = "..."']


def load_embedder(network: Path, architecture: str = "") -> Embedder:
    """Read a network.

    Args:
        network: An ONNX file, or a state dict of a timm network.
        architecture: timm's name of the network, for a state dict; "" reads it from a ``config.json`` beside the file.

    Raises:
        DataError: The file holds no network that gives a vector for a face.
    """
    try:
        embedder = _onnx(network) if network.suffix == ".onnx" else _timm(network, architecture)
        vectors = embedder.run(np.zeros((1, 3, embedder.side, embedder.side), np.float32))
    except DataError:
        raise
    except Exception as error:  # damaged files and other networks raise many kinds of exceptions
        raise DataError(f"{network}: no face embedding ({' '.join(str(error).split())[:150]})") from None
    if vectors.ndim != 2:
        raise DataError(f"{network}: gives {vectors.shape} for one face, not a vector")
    return embedder


def _onnx(path: Path) -> Embedder:
    """A network from an ONNX file, which states its side, batch size and order of axes.

    If its first nodes subtract and scale, it normalises its input itself.
    """
    import onnx
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    network_input, output = session.get_inputs()[0], session.get_outputs()[0].name
    channels_last = network_input.shape[3] == 3  # (N, H, W, 3)
    side = network_input.shape[1 if channels_last else 2]

    def run(normalized: NDArray[np.float32]) -> NDArray[np.float32]:
        images = np.ascontiguousarray(normalized.transpose(0, 2, 3, 1)) if channels_last else normalized
        return np.asarray(session.run([output], {network_input.name: images})[0], np.float32)

    nodes = {node.op_type for node in onnx.load(str(path), load_external_data=False).graph.node[:FIRST_NODES]}
    normalises = "Sub" in nodes and bool(nodes & {"Mul", "Div"})
    mean, std = ((0.0,), (1.0,)) if normalises else ((HALF,), (HALF,))
    batch = network_input.shape[0] if isinstance(network_input.shape[0], int) else BATCH
    return Embedder(run, side if isinstance(side, int) else SIDE, mean, std, batch)


def _timm(path: Path, architecture: str) -> Embedder:
    """A timm network with the weights of a file.

    Its output is the embedding. It has a last layer if the file has one. Side and normalisation are read from a
    ``config.json`` beside the file, if there is one (as on the Hugging Face Hub).
    """
    import timm
    import torch

    stated, weights = _stated(path), read_tensors(path)
    config = stated.get("pretrained_cfg", {})
    side = config.get("input_size", (3, SIDE, SIDE))[-1]
    name = architecture or stated.get("architecture", "")
    fixed = timm.get_pretrained_cfg_value(name, "fixed_input_size")
    network: Any = timm.create_model(
        name, num_classes=0, **({"img_size": side} if fixed else {}), **stated.get("model_args", {})
    )
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


def _stated(path: Path) -> Mapping[str, Any]:
    """The content of ``config.json`` beside the file; empty if there is none."""
    config = path.with_name("config.json")
    stated: Mapping[str, Any] = read_json(config) if config.is_file() else {}
    return stated
