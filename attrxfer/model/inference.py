"""Running a chain of networks: as one graph from images to images, on a chosen backend or the fastest one."""

from __future__ import annotations

import hashlib
import json
import platform
import time
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from attrxfer.errors import AttrxferError
from attrxfer.interfaces import Backend, ChosenAutomatically, Runner
from attrxfer.plugin.parameters import build, missing_for, named
from attrxfer.plugin.registry import Registry
from attrxfer.storage.cache import cached
from attrxfer.storage.conversion import normalize, quantize
from attrxfer.storage.files import read_json

AUTO = "auto"
REPEATS = 3


def has_bfloat16() -> bool:
    """Whether this machine calculates in bfloat16: on a GPU with units for it, or on a processor with AMX or AVX512-BF16. All
    others only emulate it, slower than they calculate in float32."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return torch.accelerator.is_available() or any(capabilities.get(name, False) for name in ("amx_bf16", "avx512_bf16"))


def open_device(name: str) -> torch.device:
    """A device of this machine: "cpu", or one of its GPUs, "cuda", "cuda:1", "mps".

    Raises:
        AttrxferError: This machine has no such device; the message names those that it has.
    """
    gpu = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    count = torch.accelerator.device_count() if gpu is not None else 0
    try:
        device = torch.device(name)
    except RuntimeError:
        device = torch.device("meta")
    is_here = device.type == "cpu" or (gpu is not None and device.type == gpu.type and (device.index or 0) < count)
    if not is_here:
        has = "cpu only" if gpu is None else f"cpu and {', '.join(f'{gpu.type}:{number}' for number in range(count))}"
        raise AttrxferError(f'--device: no device "{name}" here; this machine has {has}')
    return device


def through(chain: Iterable[nn.Module], source: Tensor) -> Tensor:
    """What a chain makes of images (N, 3, S, S) in -1..1: the generator's result, improved by each enhancer in turn."""
    generator, *enhancers = chain
    image: Tensor = generator(source)
    for enhancer in enhancers:
        image = enhancer(image, source)
    return image


class Graph(nn.Module):
    """A chain as one module, with normalisation, strength and rounding inside: images uint8 (N, S, S, 3) and a strength () ->
    results uint8 (N, S, S, 3)."""

    def __init__(self, chain: tuple[nn.Module, ...]) -> None:
        super().__init__()
        self.chain = nn.ModuleList(chain)

    def forward(self, images: Tensor, strength: Tensor) -> Tensor:
        source = normalize(images)
        image = through(self.chain, source).float()
        return quantize(source + strength * (image - source))


def graph_key(graph: Graph, metadata: Mapping[str, Any]) -> str:
    """Equal for equal bundles."""
    content = json.dumps([metadata[key] for key in ("chain", "sha256", "task")], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def prepare(name: str, graph: Graph, example: NDArray[np.uint8], key: str, registry: Registry) -> Runner:
    """Make a runner.

    Args:
        name: The backend; "auto": the fastest one.
        graph: The chain.
        example: uint8 images (N, S, S, 3) of the shape that the runner will get.
        key: Equal for equal chains.
        registry: The backends.

    Raises:
        UnknownName: No such backend.
        AttrxferError: A package that it needs is not installed.
    """
    if name == AUTO:
        name = fastest(graph, example, key, registry)
    backend, missing = _backend(name, registry)
    if missing:
        raise AttrxferError(f"backend {name}: missing: {'; '.join(missing)}")
    return backend.prepare(graph, example, key)


def fastest(graph: Graph, example: NDArray[np.uint8], key: str, registry: Registry) -> str:
    """The backend that takes the least time for a batch like ``example``, of those that ``auto`` may choose. It is measured
    once for this machine, these networks' shapes and this size; the result is kept in the cache."""
    shapes = [tuple(parameter.shape) for parameter in graph.parameters()]
    machine = [platform.node(), platform.machine(), torch.get_num_threads(), sorted(_automatic(registry))]
    what = hashlib.sha256(json.dumps([machine, shapes, example.shape[1:]]).encode()).hexdigest()[:32]

    def measured() -> bytes:
        times = {name: _measure(name, graph, example, key, registry) for name in _automatic(registry)}
        return json.dumps({"fastest": min(times, key=lambda name: times[name]), "seconds": times}, indent=2).encode()

    return str(read_json(cached(f"backends/{what}.json", measured))["fastest"])


def _automatic(registry: Registry) -> list[str]:
    """The installed backends that ``auto`` may choose."""
    backends = {component.name: component.load() for component in registry.all("backend")}
    chosen = [name for name, backend in backends.items() if isinstance(backend, ChosenAutomatically) and backend.automatic]
    return [name for name in chosen if not _backend(name, registry)[1]]


def _backend(name: str, registry: Registry) -> tuple[Backend, list[str]]:
    """A backend, and what is missing for it."""
    spec = named("backend", name, registry, also=[AUTO])
    return build(spec, {}), missing_for(spec)


def _measure(name: str, graph: Graph, example: NDArray[np.uint8], key: str, registry: Registry) -> float:
    """Seconds for a batch: the least of three runs, after a first one that is not measured."""
    run = _backend(name, registry)[0].prepare(graph, example, key)
    run(example, 1.0)
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        run(example, 1.0)
        times.append(time.perf_counter() - began)
    return min(times)
