"""LPIPS: the distance of two images on the features of a network, weighted to agree with people's judgements."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from attrxfer.errors import DataError, Problem
from attrxfer.interfaces import Evaluation, PerImageScore, RecipeView, Role
from attrxfer.storage.conversion import to_tensor
from attrxfer.storage.files import read_tensors

BATCH = 32
SMALLEST = 32
"""Least side in pixels: the network's last map of a smaller image is empty."""
COMPARED = {"alexnet": (1, 4, 7, 9, 11), "vgg16": (3, 8, 15, 22, 29)}
"""Layers of torchvision's ``features`` whose outputs are compared; each is a ReLU."""
CHANNELS = {"alexnet": (64, 192, 384, 256, 256), "vgg16": (64, 128, 256, 512, 512)}
SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
"""The normalisation of images in -1..1 by the authors of LPIPS."""
TINY = 1e-10
CONVOLUTION = re.compile(r"(?:features|net\.slice\d)\.(\d+\.(?:weight|bias))$")
MAP_WEIGHT = re.compile(r"lin(\d)\.model\.1\.weight$")
WHERE = (
    "the convolutions from download.pytorch.org/models (alexnet-owt-7be5be79.pth or vgg16-397923af.pth) and the weights of "
    "their maps from the package lpips (lpips/weights/v0.1/alex.pth or vgg.pth)"
)


class Lpips:
    """The learned perceptual distance of Zhang et al. (arXiv:1801.03924, version 0.1) of results to their inputs, and to the
    exact truth where there is one: 0 for equal images, about 0.1 for similar and 0.7 for unrelated images.

    Args:
        weights: Files of state dicts (safetensors or torch's) that together hold the convolutions of AlexNet or VGG-16, with
            the names of torchvision or of the package lpips, and the weights of their five maps.
    """

    def __init__(self, *, weights: tuple[Path, ...] = ()) -> None:
        self.weights = weights

    @classmethod
    def missing(cls, *, weights: tuple[Path, ...] = ()) -> Sequence[str]:
        """One line for each file that does not exist, with where to get it."""
        if not weights:
            return [f"LPIPS's weights: name their files with weights = [...]: {WHERE}"]
        return [f"LPIPS's weights: {path}: no such file; {WHERE}" for path in weights if not path.is_file()]

    @functools.cached_property
    def network(self) -> Distance:
        return Distance(self.weights)

    def check_recipe(self, recipe: RecipeView) -> Iterator[Problem]:
        """Files that do not hold all of one network's weights."""
        try:
            _ = self.network
        except DataError as error:
            yield Problem("weights", str(error))

    def __call__(self, evaluation: Evaluation) -> Mapping[str, PerImageScore]:
        """Score results.

        Returns:
            "LPIPS to the input" and, where there is truth, "LPIPS to truth"; empty for images smaller than 32 pixels.
        """
        if evaluation.sources.shape[1] < SMALLEST:
            return {}
        against: dict[str, tuple[Role, NDArray[np.uint8] | None]] = {
            "the input": ("unchanged", evaluation.sources),
            "truth": ("truth", evaluation.truth),
        }
        return {
            f"LPIPS to {name}": PerImageScore(self.network.of_images(evaluation.outputs, images), better="lower", role=role)
            for name, (role, images) in against.items()
            if images is not None
        }


class Distance(nn.Module):
    """The network and its distance.

    Args:
        files: The files of weights.

    Raises:
        DataError: The files do not hold all weights of one network.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, files: Sequence[Path]) -> None:
        super().__init__()
        from torchvision import models  # takes seconds

        given = {name: value for file in files for name, value in read_tensors(file).items()}
        layers = {match[1]: value for name, value in given.items() if (match := CONVOLUTION.match(name))}
        maps = {match[1]: value for name, value in given.items() if (match := MAP_WEIGHT.match(name))}
        self.name = "alexnet" if "10.weight" in layers and "28.weight" not in layers else "vgg16"
        with torch.device("meta"):  # takes no memory and no random numbers; the weights are assigned below
            features = getattr(models, self.name)(weights=None).features
        where = ", ".join(map(str, files))
        try:
            features.load_state_dict(layers, assign=True)
        except RuntimeError as error:
            first = str(error).splitlines()[1].strip()
            raise DataError(f"{where}: not the convolutions of AlexNet or VGG-16 ({first[:100]}); {WHERE}") from None
        self.features = features[: COMPARED[self.name][-1] + 1]
        shapes = {str(i): (1, channels, 1, 1) for i, channels in enumerate(CHANNELS[self.name])}
        if {name: tuple(value.shape) for name, value in maps.items()} != shapes:
            raise DataError(f"{where}: not LPIPS's weights of the five maps of {self.name}; {WHERE}")
        self.maps = nn.ParameterList([maps[name] for name in shapes])
        self.register_buffer("shift", torch.tensor(SHIFT).view(1, 3, 1, 1))
        self.register_buffer("scale", torch.tensor(SCALE).view(1, 3, 1, 1))
        self.requires_grad_(False).eval()

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        """Distances (N,) of images (N, 3, S, S) in -1..1, S at least 32."""
        both = (torch.cat([one, other]) - self.shift) / self.scale
        distance = torch.zeros(len(one))
        weights = iter(self.maps)
        for index, layer in enumerate(self.features):
            both = layer(both)
            if index in COMPARED[self.name]:
                left, right = (both / (both.norm(dim=1, keepdim=True) + TINY)).chunk(2)
                distance += ((left - right).square() * next(weights)).sum(1).mean((1, 2))
        return distance

    def of_images(self, one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Distances (N,) of uint8 images (N, S, S, 3)."""
        pairs = [(to_tensor(one[i : i + BATCH]), to_tensor(other[i : i + BATCH])) for i in range(0, len(one), BATCH)]
        return torch.cat([self(*pair) for pair in pairs]).double().numpy()
