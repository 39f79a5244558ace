"""Start-up, data, memory, and how cost grows."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from attrxfer import host
from attrxfer.data import batch_rows, open_data
from attrxfer.params import build, check
from attrxfer.pictures import frame, open_rgb
from benchmarks.speed.figure import Figure, ratio, seconds, turns

BATCH = 32


def start_up(rounds: int) -> Iterator[Figure]:
    """Commands that do not need torch, over an empty Python."""

    def command(*arguments: str) -> object:
        return subprocess.run([sys.executable, *arguments], capture_output=True, check=True)

    times = turns(
        {
            "python": lambda: command("-c", "pass"),
            "--help": lambda: command("-m", "attrxfer", "--help"),
            "recipe ls": lambda: command("-m", "attrxfer", "recipe", "ls"),
        },
        rounds,
    )
    for name in ("--help", "recipe ls"):
        yield ratio(f"attrxfer {name} / empty Python", times[name], times["python"])
        yield Figure(f"attrxfer {name}", 1000 * statistics.median(times[name]), "ms", reach="below 500")


def data(size: int, rounds: int) -> Iterator[Figure]:
    """A batch out of the cache against decoding it."""
    with tempfile.TemporaryDirectory() as name:
        noise = np.random.default_rng(0).integers(0, 256, (27, 22, 3)).astype(np.uint8)
        picture = Image.fromarray(noise).resize((178, 218), Image.Resampling.BICUBIC)
        files = [Path(name) / f"{number}.jpg" for number in range(BATCH)]
        for file in files:
            picture.save(file, quality=95)
        spec, _ = check(
            "dataset", {"use": "synthetic_faces", "faces": 256}, host.load().registry, path="", shared={"size": size}
        )
        assert spec is not None
        opened = open_data(build(spec, {}), selection=None, size=size)
        rows = np.arange(BATCH)
        times = turns(
            {
                "decode": lambda: [frame(open_rgb(file), None, size) for file in files],
                "cache": lambda: opened.images(rows),
            },
            rounds,
        )
    yield ratio(f"decoding / reading the cache, {size} px", times["decode"], times["cache"])
    yield Figure(
        f"a picture out of the cache, {size} px", 1000 * sorted(times["cache"])[len(times["cache"]) // 2] / BATCH, "ms"
    )


def growth(rounds: int) -> Iterator[Figure]:
    """What a batch's rows cost in a data set a hundred times larger: it should not matter."""
    times = {}
    for count in (2_000, 200_000):
        rows = np.arange(count)
        batch_rows(rows, 0, "growth", "all", 0, BATCH, 0, 1)
        times[count] = seconds(lambda rows=rows: batch_rows(rows, 0, "growth", "all", 1, BATCH, 0, 1), 20 * rounds)  # type: ignore[misc]
    yield Figure("rows of a batch of 200,000 pictures / of 2,000", times[200_000] / times[2_000], "x")


def processes(steps: int) -> Iterator[Figure]:
    """Two processes on this machine against one with the doubled batch: the same mathematics."""
    settings = ["data.faces=600", "metric=[]", "train.pretrain_discriminator.steps=0", f"train.adversarial.steps={steps}"]
    sets = [part for setting in settings for part in ("--set", setting)]

    def train(launcher: list[str], batch: int, threads: int) -> float:
        with tempfile.TemporaryDirectory() as folder:
            own = ["--set", f"train.adversarial.batch={batch}", "--set", f"train.threads={threads}", "-q"]
            command = [*launcher, "-m", "attrxfer", "run", "diat_a_gender", "-o", f"{folder}/run", *sets, *own]
            began = time.perf_counter()
            subprocess.run(command, capture_output=True, check=True)
            whole = time.perf_counter() - began
            lines = (Path(folder) / "run" / "metrics.jsonl").read_text().splitlines()
            return min(whole, sum(float(line.split('"seconds": ')[1].split(",")[0]) for line in lines))

    two = train([sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2"], 8, 1)
    one = train([sys.executable], 16, 2)
    yield Figure("training in two processes / one with the doubled batch", two / one, "x")


def memory() -> Iterator[Figure]:
    """The most that this run has held."""
    yield Figure("peak memory of this benchmark", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "MB")
