"""Networks whose feature maps are compared: VGG-Face's first five convolutions (read or trained here), timm's models."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from attrxfer.interfaces import Slot
from attrxfer_diat.layers import kaiming
from attrxfer_diat.vgg_face import LAYERS, MEAN, checked_hash, find_weights, read_weights


class FirstFive(nn.Module):
    """conv1_1, conv1_2, pool, conv2_1, conv2_2, pool, conv3_1 of VGG-16 (timm's ``vgg16`` has the same), each with a ReLU.

    Images (N, 3, S, S) in -1..1 -> five maps with ``width`` times 1, 1, 2, 2, 4 channels at S, S, S/2, S/2, S/4, taken
    after the ReLU. The input is scaled to RGB 0..255, VGG-Face's mean is subtracted, and the result is divided by
    ``divisor``.

    Args:
        width: Channels of the first layer.
        divisor: What the input is divided by.
    """

    mean: Tensor

    def __init__(self, width: int, divisor: float) -> None:
        super().__init__()
        self.divisor = divisor
        self.channels = 4 * width
        inputs = 3
        for name, units in LAYERS.items():
            self.add_module(name, nn.Conv2d(inputs, units * width, 3, padding=1))
            inputs = units * width
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        maps = ((images + 1) * 127.5 - self.mean) / self.divisor
        features: list[Tensor] = []
        for name in LAYERS:
            if name in ("conv2_1", "conv3_1"):
                maps = nn.functional.max_pool2d(maps, 2)
            maps = torch.relu(getattr(self, name)(maps))
            features.append(maps)
        return tuple(features)


class VggFace(FirstFive):
    """VGG-Face (Parkhi et al. 2015), the features phi of eq. 1 and 4, with weights from a file of yours.

    Args:
        path: ``vgg_face_dag.pth``, a Torch7 t7, Keras h5, MatConvNet mat or safetensors file; default: $ATTRXFER_VGG_FACE.
        sha256: The hash that the file must have; "" accepts any file.

    Attributes:
        weights_sha256: The file's hash. It is printed on stderr and stored in the bundle.

    Raises:
        DataError: There is no such file, it has another hash, or it does not hold VGG-Face.
    """

    def __init__(self, *, path: Path | None = None, sha256: str = "") -> None:
        super().__init__(width=64, divisor=1.0)
        file = find_weights(path)
        self.weights_sha256 = checked_hash(file, sha256)
        self.load_state_dict(read_weights(file))
        self.requires_grad_(False)

    @classmethod
    def missing(cls, *, path: Path | None = None, sha256: str = "") -> Sequence[str]:
        file = path or os.environ.get("ATTRXFER_VGG_FACE")
        if file and Path(file).is_file():
            return []
        where = f"{file}: no such file" if file else "no path is set"
        return [
            f"VGG-Face's weights ({where}): vgg_face_dag.pth, usually kept at robots.ox.ac.uk/~albanie/models.html or, "
            f"as Torch7, at robots.ox.ac.uk/~vgg/software/vgg_face; name it with ATTRXFER_VGG_FACE or network.path, "
            f'or use network = {{use = "face_features"}}, which is trained here'
        ]


class FaceFeatures(FirstFive):
    """The same five convolutions, trained by the stage ``face_features`` to tell the run's own people and attributes.

    It replaces VGG-Face where its file is not available.

    Args:
        width: Channels of the first layer; 64 in VGG-Face.
        seed: Seed of its initial weights. It is not the run's seed, so that runs with the same data and settings share the
            trained network.
    """

    stages: ClassVar[tuple[tuple[Slot, str], ...]] = (("features", "face_features"),)

    def __init__(self, *, width: Annotated[int, Field(ge=4, le=64)] = 32, seed: Annotated[int, Field(ge=0)] = 0) -> None:
        super().__init__(width=width, divisor=64.0)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            kaiming(self, 0.0)
        self.requires_grad_(False)


class Timm(nn.Module):
    """Any timm model with ``features_only``: its feature maps.

    Args:
        name: The model's name in timm.
        weights: A safetensors or weights-only file of timm's state dict.
        pretrained: Download timm's own weights instead.
        out: Which maps are used, counted from 0 (timm's ``out_indices``); empty uses all.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, *, name: str, weights: Path | None = None, pretrained: bool = False, out: tuple[int, ...] = ()) -> None:
        super().__init__()
        import timm  # takes seconds
        from timm.data.config import resolve_data_config

        chosen: dict[str, Any] = {"out_indices": out} if out else {}
        file = {"file": str(weights)} if weights else None
        self.network = timm.create_model(
            name, features_only=True, pretrained=pretrained or weights is not None, pretrained_cfg_overlay=file, **chosen
        )
        config = resolve_data_config(self.network.pretrained_cfg)
        self.register_buffer("mean", torch.tensor(config["mean"]).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(config["std"]).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False)

    @classmethod
    def missing(
        cls, *, name: str, weights: Path | None = None, pretrained: bool = False, out: tuple[int, ...] = ()
    ) -> Sequence[str]:
        if weights is not None and not weights.is_file():
            return [f"weights of timm's {name}: {weights}: no such file"]
        if weights is None and not pretrained:
            return [f"weights of timm's {name}: give a file with network.weights, or network.pretrained = true to fetch them"]
        return []

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.network(((images + 1) / 2 - self.mean) / self.std))

    def train(self, mode: bool = True) -> Timm:
        """Ignore ``mode`` and stay in eval mode: batch statistics do not change."""
        return super().train(False)
