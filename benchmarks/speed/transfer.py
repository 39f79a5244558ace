"""Transfer by backend, batch and size, against eager torch and against the machine's own matrix product."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.utils.flop_counter import FlopCounterMode

from attrxfer.interfaces import Framing, GathersFiles
from attrxfer.media.batch import process_files
from attrxfer.media.files import find_tasks
from attrxfer.media.images import is_image
from attrxfer.media.processors import CropProcessor
from attrxfer.model.inference import Graph, prepare
from attrxfer.plugin import host
from attrxfer.plugin.parameters import build, check, missing_for
from benchmarks.speed.figure import Figure, Point, ratio, seconds, turns

PLAIN = "torch, module as it is"
REACH, INT8 = "at least 1.7", ("onnx_int8", 128)


def graph(width: int) -> Graph:
    """The quick recipes' generator with random weights."""
    spec, _ = check("generator", {"use": "masked", "width": width}, host.load().registry, path="generator", shared={})
    assert spec is not None
    torch.manual_seed(0)
    return Graph((build(spec, {}),)).eval()


def gemm() -> float:
    """GFLOPS of a 2048 x 2048 matrix product in float32."""
    a = torch.rand(2048, 2048)
    return 2 * 2048**3 / seconds(lambda: a @ a, 5) / 1e9


def plain(module: Graph, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What a short script does: eager torch, batch norm and memory layout as they are."""
    with torch.no_grad():
        found: NDArray[np.uint8] = module(torch.from_numpy(images), torch.tensor(1.0)).numpy()
    return found


def backends(sizes: list[int], batches: list[int], width: int, rounds: int, names: list[str]) -> Iterator[Figure]:
    """Times over eager torch's, a figure a backend, size and batch; and the share of the matrix product's rate."""
    module = graph(width)
    peak = gemm()
    yield Figure("matrix product", peak, "GFLOPS")
    for size in sizes:
        with FlopCounterMode(display=False) as counter:
            plain(module, np.zeros((1, size, size, 3), np.uint8))
        gigaflop = counter.get_total_flops() / 1e9
        for batch_size in batches:
            images = np.random.default_rng(0).integers(0, 256, (batch_size, size, size, 3)).astype(np.uint8)
            runs: dict[str, Callable[[], object]] = {PLAIN: partial(plain, module, images)}
            for name in names:
                runner = prepare(name, module, images, f"speed-{time.time_ns()}", host.load().registry)
                runs[name] = partial(runner, images, 1.0)
            times = turns(runs, rounds)
            where = f"{size} px, batch {batch_size}"
            for name in names:
                reach = REACH if (name, size) == ("bf16", 128) and batch_size > 1 else ""
                yield ratio(f"{name} over eager torch, {where}", times[PLAIN], times[name], reach)
            for name, found in times.items():
                per = statistics.median(found) / batch_size
                point = Point(f"Milliseconds an image by batch, {size} px", name, batch_size)
                yield Figure(f"{name}, {where}", 1000 * per, "ms an image", point=point)
                yield Figure(f"{name}, {where}, of the matrix product's rate", gigaflop / per / peak, "share")


def files(size: int, batch_size: int, width: int, rounds: int) -> Iterator[Figure]:
    """Exported files, which need no torch, against eager torch; and how far their results are from its."""
    module = graph(width)
    coarse = np.random.default_rng(2).integers(0, 256, (batch_size, 8, 8, 3)).astype(np.uint8)
    smooth = np.stack([np.asarray(Image.fromarray(one).resize((size, size), Image.Resampling.BICUBIC)) for one in coarse])
    runs: dict[str, Callable[[], Any]] = {PLAIN: partial(plain, module, smooth)}
    with tempfile.TemporaryDirectory() as folder:
        for component in host.load().registry.all("exporter"):
            spec, _ = check("exporter", {"use": component.name}, host.load().registry, path="exporter", shared={})
            if spec is None or missing_for(spec):
                continue
            exporter = build(spec, {})
            if isinstance(exporter, GathersFiles):  # its files are another exporter's
                continue
            path = Path(folder) / f"{component.name}{exporter.suffix}"
            exporter.export(module, smooth, path, {})
            runs[component.name] = partial(exporter.open(path)[0], smooth, 1.0)
        times = turns(runs, rounds)
        wanted = runs[PLAIN]().astype(int)
        for name in list(runs)[1:]:
            where = f"exported as {name}, {size} px, batch {batch_size}"
            yield ratio(f"{where} over eager torch", times[PLAIN], times[name], REACH if (name, size) == INT8 else "")
            yield Figure(f"{where}: mean difference", float(np.abs(runs[name]() - wanted).mean()), "of 255")


class Timed:
    """A model that notes how long it worked."""

    def __init__(self, size: int, run: Any) -> None:
        self.name = "timed"
        self.size = size
        self.guided: dict[str, bool] = {}
        self.framing: Framing | None = None
        self.alignment: NDArray[np.float32] | None = None
        self.metadata: dict[str, Any] = {}
        self._run = run
        self.seconds = 0.0

    def images(self, images_u8: NDArray[np.uint8], strength: float = 1.0) -> NDArray[np.uint8]:
        began = time.perf_counter()
        found: NDArray[np.uint8] = self._run(images_u8, strength)
        self.seconds += time.perf_counter() - began
        return found


def jpegs(folder: Path, count: int) -> Path:
    """A folder of as many JPEGs of CelebA's size."""
    photos = folder / "photos"
    photos.mkdir()
    smooth = np.random.default_rng(1).integers(0, 256, (27, 22, 3)).astype(np.uint8)
    image = Image.fromarray(smooth).resize((178, 218), Image.Resampling.BICUBIC)
    for number in range(count):
        image.save(photos / f"{number:05d}.jpg", quality=95)
    return photos


def folder(size: int, count: int, width: int, backend: str) -> Iterator[Figure]:
    """A folder of JPEGs end to end, over the time that the model alone takes for as many images."""
    module = graph(width)
    batch = np.random.default_rng(0).integers(0, 256, (32, size, size, 3)).astype(np.uint8)
    run = prepare(backend, module, batch, f"speed-{time.time_ns()}", host.load().registry)
    alone = seconds(lambda: run(batch, 1.0), 5) / len(batch) * count
    with tempfile.TemporaryDirectory() as name:
        photos = jpegs(Path(name), count)
        timed = Timed(size, run)
        began = time.perf_counter()
        process_files(find_tasks([photos], Path(name) / "out", is_image, "images").tasks, [CropProcessor(timed)])
        whole = time.perf_counter() - began
    yield Figure(f"folder of {count} JPEGs / the model alone, {size} px, {backend}", whole / alone, "x", reach="at most 1.1")
    yield Figure(f"the model's time inside / alone, {size} px, {backend}", timed.seconds / alone, "x")
    yield Figure(f"folder of {count} JPEGs, {size} px, {backend}", count / whole, "images a second")
