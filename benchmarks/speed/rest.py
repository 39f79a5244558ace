"""Start-up, data and memory."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from attrxfer.data import open_data
from attrxfer.media.images import frame, open_rgb
from attrxfer.plugin import host
from attrxfer.plugin.parameters import build, check
from benchmarks.speed.figure import HELD, Figure, ratio, turns

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
        image = Image.fromarray(noise).resize((178, 218), Image.Resampling.BICUBIC)
        files = [Path(name) / f"{number}.jpg" for number in range(BATCH)]
        for file in files:
            image.save(file, quality=95)
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
    yield Figure(f"an image out of the cache, {size} px", 1000 * sorted(times["cache"])[len(times["cache"]) // 2] / BATCH, "ms")


def memory() -> Iterator[Figure]:
    """The most that a short training at the recipe's own sizes holds, and this benchmark."""
    settings = ["data.faces=600", "metric=[]", "train.pretrain_discriminator.steps=3", "train.adversarial.steps=3"]
    sets = [part for setting in settings for part in ("--set", setting)]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", TRAIN, "run", "diat_a_gender", "-q", "-o", f"{folder}/run", *sets]
        held = float(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    yield Figure("peak memory of training diat_a_gender", held, "MB")
    yield Figure("peak memory of this benchmark", _held(), "MB")


TRAIN = (
    HELD
    + """
from attrxfer.cli import cli
try:
    cli()
finally:
    print(held())
"""
)


def _held() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
