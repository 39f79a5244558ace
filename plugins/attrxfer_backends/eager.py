"""torch: in float32, compiled, and in bfloat16."""

from __future__ import annotations

import copy
import os
import shutil
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from attrxfer.interfaces import Runner
from attrxfer.model.inference import has_bfloat16


class Eager:
    """torch with batch norm folded into the convolutions before it, channels last."""

    automatic: ClassVar[bool] = True

    def prepare(self, graph: Any, example: NDArray[np.uint8], key: str) -> Runner:
        network = folded(graph)
        return _runner(network, network)


class Compiled:
    """The same through torch.compile. It takes a C++ compiler, and up to a minute for each shape of images."""

    automatic: ClassVar[bool] = False

    @classmethod
    def missing(cls) -> Sequence[str]:
        there = any(map(shutil.which, (os.environ.get("CXX", "c++"), "g++", "clang++", "cl")))
        return [] if there else ["a C++ compiler (c++): take backend torch, or install one"]

    def prepare(self, graph: Any, example: NDArray[np.uint8], key: str) -> Runner:
        network = folded(graph)
        return _runner(torch.compile(network), network)


class HalfPrecision:
    """torch in bfloat16, for GPUs and for processors with AMX or AVX512-BF16: two to several times faster there; results
    differ by a few steps of 255. ``auto`` never chooses it."""

    automatic: ClassVar[bool] = False

    @classmethod
    def missing(cls) -> Sequence[str]:
        return [] if has_bfloat16() else ["a device that computes in bfloat16 natively: take backend torch"]

    def prepare(self, graph: Any, example: NDArray[np.uint8], key: str) -> Runner:
        network = folded(graph)
        run = _runner(network, network)
        device = next(network.parameters()).device.type

        def half(images: NDArray[np.uint8], strength: float) -> NDArray[np.uint8]:
            with torch.autocast(device, torch.bfloat16):
                return run(images, strength)

        return half


def folded(graph: nn.Module) -> nn.Module:
    """A copy in eval mode, channels last, in which batch norms are folded into the convolutions before them.

    Only pairs in a ``Sequential`` are folded. Results are equal up to rounding, and each pair takes one pass fewer.
    """
    network = copy.deepcopy(graph).eval()
    for module in list(network.modules()):
        if isinstance(module, nn.Sequential):
            for i in range(len(module) - 1):
                convolution, norm = module[i], module[i + 1]
                if isinstance(convolution, nn.Conv2d | nn.ConvTranspose2d) and isinstance(norm, nn.BatchNorm2d):
                    module[i] = fuse_conv_bn_eval(convolution, norm, isinstance(convolution, nn.ConvTranspose2d))
                    module[i + 1] = nn.Identity()
    return network.to(memory_format=torch.channels_last)


def _runner(graph: Callable[..., Any], network: nn.Module) -> Runner:
    """A runner of ``graph`` on the device of the parameters of ``network``."""
    device = next((parameter.device for parameter in network.parameters()), torch.device("cpu"))

    def run(images: NDArray[np.uint8], strength: float) -> NDArray[np.uint8]:
        with torch.no_grad():
            results = graph(
                torch.from_numpy(np.require(images, requirements=["C", "W"])).to(device), torch.tensor(strength, device=device)
            )
        return results.contiguous().cpu().numpy()

    return run
