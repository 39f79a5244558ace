"""A face recognition network from a file of yours, as the identity loss ``embedding`` reads it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from pydantic import AfterValidator
from torch import Tensor, nn
from torch.nn.functional import normalize

from attrxfer.errors import DataError
from attrxfer.interfaces import DatasetView
from attrxfer_diat.recognition.crop import ARCFACE, WHOLE, Crop, arcface_crop, cropped
from attrxfer_diat.recognition.description import Description
from attrxfer_diat.vgg_face import checked_hash

log = logging.getLogger("attrxfer")
HALF_PIXEL = 0.5
INSTALL = "reading ONNX files takes onnx2torch: pip install 'attrxfer[onnx]'"


def _box(crop: Crop) -> Crop:
    left, top, right, bottom = crop
    if left >= right or top >= bottom:
        raise ValueError("the order is left, top, right, bottom, each as a share of the image's side")
    return crop


class OnnxNetwork(nn.Module):
    """A recognition network from an ONNX file: images (N, 3, S, S) in -1..1 -> one map (N, E, 1, 1), the embedding.

    Such a network has seen more people than a data set of your own usually has. Take another one than the network that scores
    the results (dlib's). It is computed in float32, and it is never trained here.

    Args:
        path: The ONNX file: one input (N, 3, H, W) with H and W fixed, one output (N, E).
        sha256: The hash that the file must have; "" accepts any file.
        crop: The part of the image that the network gets: left, top, right, bottom as shares of the image's side. Left out, it
            puts the data set's five landmarks where ArcFace's alignment has them; without such landmarks it is the whole
            image, and a line says so.
        black: The value that the network expects for black; -1 or 0 in most networks.
        white: The value that it expects for white; 1 or 255 in most networks.
        bgr: Whether it expects blue first.

    Attributes:
        attributes: Empty: the network knows no attributes.
        embedding: E.
        weights_sha256: The file's hash. It is printed on stderr and stored in the bundle.

    Raises:
        DataError: There is no such file, it has another hash, or it is no such network.
    """

    attributes: tuple[str, ...] = ()
    blur = 0.0

    def __init__(
        self,
        *,
        path: Path,
        sha256: str = "",
        crop: Annotated[Crop, AfterValidator(_box)] | None = None,
        black: float = -1.0,
        white: float = 1.0,
        bgr: bool = False,
    ) -> None:
        super().__init__()
        self.weights_sha256 = checked_hash(path, sha256, "recognition network")
        self.network, self.side = _read(path)
        self.given = crop
        self.crop = crop or WHOLE
        self.black = black
        self.white = white
        self.bgr = bgr
        self.requires_grad_(False).eval()
        try:
            with torch.no_grad():
                shape = tuple(self(torch.zeros(2, 3, 16, 16))[0].shape)
        except (RuntimeError, ValueError, TypeError, NotImplementedError) as error:
            raise DataError(f"{path}: cannot be run on a batch of two images: {' '.join(str(error).split())}") from None
        self.embedding = shape[1]

    @classmethod
    def missing(
        cls,
        *,
        path: Path,
        sha256: str = "",
        crop: Crop | None = None,
        black: float = -1.0,
        white: float = 1.0,
        bgr: bool = False,
    ) -> Sequence[str]:
        if find_spec("onnx2torch") is None:
            return [INSTALL]
        return [] if path.is_file() else [f"the recognition network {path}: no such file"]

    def check_data(self, data: DatasetView) -> None:
        """Find the crop from the data set's mean landmarks, where none was given."""
        if self.given is not None:
            return
        rows = np.flatnonzero(data.usable)
        points = data.mean_landmarks(rows)
        if points is None or len(points) != len(ARCFACE):
            log.warning(
                "network onnx: the data have no five landmarks, so the network gets the whole image; network.crop sets a part"
            )
            return
        side = data.images_u8(rows[:1]).shape[1]
        self.crop = arcface_crop((points + HALF_PIXEL) / side)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        with torch.autocast(images.device.type, enabled=False):
            values = (cropped(images.float(), self.crop, self.side) + 1) / 2 * (self.white - self.black) + self.black
            embedding = self.network(values.flip(1) if self.bgr else values)
            return (embedding.flatten(1)[:, :, None, None],)

    def describe(self, images: Tensor) -> Description:
        """Read images (N, 3, S, S) in -1..1: embeddings (N, E), no attributes."""
        embedding = self(images)[0].flatten(1)
        return Description(normalize(embedding), embedding.new_zeros(len(images), 0))

    def train(self, mode: bool = True) -> OnnxNetwork:
        """Ignore ``mode`` and stay in eval mode."""
        return super().train(False)


def _read(path: Path) -> tuple[nn.Module, tuple[int, int]]:
    """The network of an ONNX file, and height and width of its input.

    Raises:
        DataError: It is no ONNX file, its input is not (N, 3, H, W), or onnx2torch does not know one of its operations.
    """
    try:
        import onnx
        from onnx2torch import convert
    except ImportError:
        raise DataError(f"{path}: {INSTALL}") from None
    try:
        model = onnx.load(path)
        weights = {value.name for value in model.graph.initializer}
        inputs = [value for value in model.graph.input if value.name not in weights]
        shapes = [[size.dim_value for size in value.type.tensor_type.shape.dim] for value in inputs]
        network = convert(model)
    except Exception as error:  # a stranger's file raises many kinds of exceptions
        raise DataError(f"{path}: cannot be read as an ONNX network: {' '.join(str(error).split())[:300]}") from None
    if len(shapes) != 1 or len(shapes[0]) != 4 or shapes[0][1] != 3 or min(shapes[0][2:]) < 1:
        raise DataError(f"{path}: its inputs have the shapes {shapes}; one input (N, 3, H, W) with fixed H and W is needed")
    return network, (shapes[0][2], shapes[0][3])
