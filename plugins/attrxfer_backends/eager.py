"""torch itself, as fast as it goes without and with a compiler."""

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
        made = folded(graph)
        return _runner(made, made)


class Compiled:
    """The same through torch.compile. It needs a C++ compiler, and up to a minute for each shape of images."""

    automatic: ClassVar[bool] = False

    @classmethod
    def missing(cls) -> Sequence[str]:
        there = any(map(shutil.which, (os.environ.get("CXX", "c++"), "g++", "clang++", "cl")))
        return [] if there else ["a C++ compiler (c++): take backend torch, or install one"]

    def prepare(self, graph: Any, example: NDArray[np.uint8], key: str) -> Runner:
        made = folded(graph)
        return _runner(torch.compile(made), made)


class HalfPrecision:
    """torch in bfloat16 where the processor or the device calculates in it (AMX, GPUs): several times faster there, with
    results that differ by a few steps of 255; without such units it is slower, so ``auto`` never takes it."""

    automatic: ClassVar[bool] = False

    @classmethod
    def missing(cls) -> Sequence[str]:
        return [] if has_bfloat16() else ["a device that calculates in bfloat16: take backend torch"]

    def prepare(self, graph: Any, example: NDArray[np.uint8], key: str) -> Runner:
        made = folded(graph)
        run = _runner(made, made)
        device = next(made.parameters()).device.type

        def half(images: NDArray[np.uint8], strength: float) -> NDArray[np.uint8]:
            with torch.autocast(device, torch.bfloat16):
                return run(images, strength)

        return half


def folded(graph: nn.Module) -> nn.Module:
    """A copy in eval mode, channels last, in which a batch norm directly behind a convolution of a ``Sequential`` is part
    of the convolution: equal results to rounding, one pass over the maps less."""
    made = copy.deepcopy(graph).eval()
    for module in list(made.modules()):
        if isinstance(module, nn.Sequential):
            for i in range(len(module) - 1):
                convolution, norm = module[i], module[i + 1]
                if isinstance(convolution, nn.Conv2d | nn.ConvTranspose2d) and isinstance(norm, nn.BatchNorm2d):
                    module[i] = fuse_conv_bn_eval(convolution, norm, isinstance(convolution, nn.ConvTranspose2d))
                    module[i + 1] = nn.Identity()
    return made.to(memory_format=torch.channels_last)


def _runner(graph: Callable[..., Any], network: nn.Module) -> Runner:
    """Runs ``graph`` where the parameters of ``network`` are."""
    device = next((parameter.device for parameter in network.parameters()), torch.device("cpu"))

    def run(images: NDArray[np.uint8], strength: float) -> NDArray[np.uint8]:
        with torch.no_grad():
            found = graph(torch.from_numpy(np.ascontiguousarray(images)).to(device), torch.tensor(strength, device=device))
        return found.contiguous().cpu().numpy()

    return run
