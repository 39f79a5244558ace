"""A folder by one and by two workers of Ray, in turns within one run."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import click

from attrxfer.media.batch import FileResult
from attrxfer.media.processors import CropProcessor
from attrxfer.plugin import host
from attrxfer.workflows.transfer import TransferOptions, transfer
from benchmarks.speed.figure import Figure, ratio
from benchmarks.speed.transfer import jpegs

PORTION = CropProcessor.batch_size
"""Files that a worker gets at once here: so few that the last ones do not leave a worker waiting for long."""


def workers(images: int, rounds: int, model: str = "gender") -> Iterator[Figure]:
    """Images a second with two workers over twice those with one. Starting Ray and opening the model are not counted: the clock
    starts when each worker could have done a portion."""
    if find_spec("ray") is None:
        click.echo("workers are left out: missing: ray: pip install 'attrxfer[ray]'", err=True)
        return
    import ray

    speeds: dict[int, list[float]] = {1: [], 2: []}
    whole, CropProcessor.portion = CropProcessor.portion, PORTION
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    try:
        with tempfile.TemporaryDirectory() as name:
            photos, number = jpegs(Path(name), images), count()
            for _ in range(rounds):
                for size, found in speeds.items():
                    found.append(_speed(photos, Path(name) / f"out{next(number)}", size, model))
    finally:
        ray.shutdown()
        CropProcessor.portion = whole
    yield ratio("two workers of Ray over twice one", speeds[2], [2 * one for one in speeds[1]], "at least 0.9 on free cores")
    for size, found in speeds.items():
        yield Figure(f"folder of {images} JPEGs, {size} workers", sorted(found)[len(found) // 2], "images a second")


def _speed(photos: Path, out: Path, size: int, model: str) -> float:
    """Images a second, from the first ``size`` portions to the end."""
    times: list[float] = []

    def note(file: FileResult, done: int, total: int) -> None:
        times.append(time.perf_counter())

    options = TransferOptions(aligned=True, engine=f'{{use = "ray", workers = {size}}}')
    transfer(model, [photos], out, host.load(), options, on_result=note)
    first = size * PORTION - 1
    return (len(times) - 1 - first) / (times[-1] - times[first])
