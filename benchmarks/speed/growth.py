"""How cost and memory grow: with pixels, images, the size of a data set, and processes."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from attrxfer.data import batch_rows
from attrxfer.model.inference import prepare
from attrxfer.plugin import host
from benchmarks.speed.figure import HELD, Figure, Point, ratio, seconds, turns
from benchmarks.speed.transfer import graph, jpegs

BATCH = 32
FOLDER = (
    HELD
    + """
import json, sys, time
from functools import partial
from pathlib import Path
from attrxfer.media.batch import process_files
from attrxfer.media.files import find_tasks
from attrxfer.media.images import is_image
from attrxfer.media.processors import CropProcessor
class Copy:
    size, framing = int(sys.argv[3]), None
    def images(self, uint8, strength=1.0):
        return uint8
began = time.perf_counter()
process_files(find_tasks([Path(sys.argv[1])], Path(sys.argv[2]), is_image, "images").tasks, [CropProcessor(Copy())])
print(json.dumps([time.perf_counter() - began, held()]))
"""
)
"""A folder in a process of its own, with a transfer that costs nothing: what is left is the pipeline's time and memory."""


def pixels(sides: Sequence[int], width: int, rounds: int) -> Iterator[Figure]:
    """Time an image by its pixels: the networks are convolutions, so a pixel should cost the same."""
    module = graph(width)
    runs: dict[str, Callable[[], object]] = {}
    for side in sides:
        noise = np.random.default_rng(0).integers(0, 256, (4, side, side, 3)).astype(np.uint8)
        runner = prepare("torch", module, noise, f"speed-{time.time_ns()}", host.load().registry)
        runs[str(side)] = partial(runner, noise, 1.0)
    times = turns(runs, rounds)
    for side in sides:
        per = statistics.median(times[str(side)]) / 4
        point = Point("Milliseconds an image by thousands of pixels", "torch, batch 4", side * side / 1000)
        yield Figure(f"torch, {side} px, batch 4", 1000 * per, "ms an image", point=point)
    least, most = str(min(sides)), str(max(sides))
    a_pixel = {side: [value / int(side) ** 2 for value in times[side]] for side in (least, most)}
    yield ratio(f"a pixel at {most} px / at {least} px", a_pixel[most], a_pixel[least])


def images(counts: Sequence[int], side: int) -> Iterator[Figure]:
    """Time an image and peak memory by the number of files: both should stay."""
    found: dict[int, tuple[float, float]] = {}
    for count in counts:
        with tempfile.TemporaryDirectory() as name:
            photos = jpegs(Path(name), count)
            command = [sys.executable, "-c", FOLDER, str(photos), f"{name}/out", str(side)]
            took, held = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
        found[count] = (took / count, held)
        point = Point("Megabytes held by images in the folder", "reading and writing", count)
        yield Figure(f"folder of {count} without a model, peak memory", held, "MB", point=point)
    few, many = min(counts), max(counts)
    yield Figure(f"a file in a folder of {many} / of {few}", found[many][0] / found[few][0], "x")
    yield Figure(f"peak memory, folder of {many} / of {few}", found[many][1] / found[few][1], "x")


def data_set(rounds: int) -> Iterator[Figure]:
    """What a batch's rows cost in a data set a hundred times larger: it should not matter."""
    times = {}
    for count in (2_000, 200_000):
        rows = np.arange(count)
        batch_rows(rows, 0, "growth", "all", 0, BATCH, 0, 1)
        times[count] = seconds(lambda rows=rows: batch_rows(rows, 0, "growth", "all", 1, BATCH, 0, 1), 20 * rounds)  # type: ignore[misc]
    yield Figure("rows of a batch of 200,000 images / of 2,000", times[200_000] / times[2_000], "x")


def processes(steps: int) -> Iterator[Figure]:
    """Two processes on this machine against one with the doubled batch: the same mathematics."""
    two = train_seconds(steps, [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2"], 8, 1)
    one = train_seconds(steps, [sys.executable], 16, 2)
    yield Figure("training in two processes / one with the doubled batch", two / one, "x")


def threads(steps: int) -> Iterator[Figure]:
    """Two threads against one, on cores that nobody else uses, and beside busy programs."""
    for busy, reach in ((0, "<= 1"), (3, "<= 1.3")):
        others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(busy)]
        try:
            two, one = (train_seconds(steps, [sys.executable], 16, number) for number in (2, 1))
        finally:
            for other in others:
                other.kill()
        yield Figure(f"training with two threads / one, beside {busy} busy programs", two / one, "x", reach=reach)


def train_seconds(steps: int, launcher: list[str], batch_size: int, threads: int) -> float:
    """The seconds of a short training's steps."""
    settings = ["data.faces=600", "metric=[]", "train.pretrain_discriminator.steps=0", f"train.adversarial.steps={steps}"]
    settings += [f"train.adversarial.batch_size={batch_size}", f"train.threads={threads}"]
    sets = [part for setting in settings for part in ("--set", setting)]
    with tempfile.TemporaryDirectory() as folder:
        command = [*launcher, "-m", "attrxfer", "run", "diat_a_gender", "-o", f"{folder}/run", *sets, "-q"]
        subprocess.run(command, capture_output=True, check=True)
        lines = (Path(folder) / "run" / "metrics.jsonl").read_text().splitlines()
        return sum(float(json.loads(line)["seconds"]) for line in lines)
