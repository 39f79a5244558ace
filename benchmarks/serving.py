"""python -m benchmarks.serving: the server under load beside the bare model, in one run; writes serving.json, serving.md."""

from __future__ import annotations

import http.client
import io
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
from PIL import Image

from attrxfer.model.calling import CallableModel
from attrxfer.model.loading import load_model
from attrxfer.storage.files import write_text

BATCH = 32
BARE = "bare model"


class Round(NamedTuple):
    """What was measured in some seconds.

    Attributes:
        latencies: Seconds of each call, ordered.
        rate: Images a second.
        refused: Answers that were no image.
    """

    latencies: Sequence[float]
    rate: float
    refused: int = 0

    def at(self, part: float) -> float:
        """The latency in milliseconds within which so large a part of the calls ended."""
        return 1000 * self.latencies[min(int(part * len(self.latencies)), len(self.latencies) - 1)]


def request_body(size: int) -> tuple[bytes, dict[str, str]]:
    """A request with a crop of noise as PNG, and its headers."""
    crop = np.random.default_rng(0).integers(0, 256, (size, size, 3)).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(crop).save(buffer, "PNG")
    field = 'content-disposition: form-data; name="{}"\r\n\r\n'
    parts = [
        field.format('image"; filename="crop.png').encode() + buffer.getvalue(),
        field.format("aligned").encode() + b"true",
    ]
    body = b"".join(b"--x\r\n" + part + b"\r\n" for part in parts) + b"--x--\r\n"
    return body, {"content-type": "multipart/form-data; boundary=x"}


def measured(call: Callable[[], bool], seconds: float, images: int = 1) -> Round:
    """Call one time after the other, for some seconds."""
    latencies, refused = [], 0
    began = time.perf_counter()
    while (start := time.perf_counter()) < began + seconds:
        refused += not call()
        latencies.append(time.perf_counter() - start)
    return Round(sorted(latencies), images * len(latencies) / (time.perf_counter() - began), refused)


def bare(model: CallableModel, batch_size: int, seconds: float) -> Round:
    """The model by itself, with batches of a size."""
    images = np.random.default_rng(0).integers(0, 256, (batch_size, model.size, model.size, 3)).astype(np.uint8)
    return measured(lambda: len(model.images(images)) > 0, seconds, batch_size)


def loaded(address: tuple[str, int], clients: int, size: int, seconds: float) -> Round:
    """The server with so many clients, each of which asks again when it is answered."""
    body, headers = request_body(size)
    rounds: list[Round] = []

    def client() -> None:
        connection = http.client.HTTPConnection(*address, timeout=60)

        def ask() -> bool:
            connection.request("POST", "/transfer", body, headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status == 200

        rounds.append(measured(ask, seconds))
        connection.close()

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    latencies = sorted(latency for each in rounds for latency in each.latencies)
    return Round(latencies, sum(each.rate for each in rounds), sum(each.refused for each in rounds))


@contextmanager
def served(model: str) -> Iterator[tuple[str, int]]:
    """A server in a process of its own; gives its host and port."""
    command = [sys.executable, "-m", "attrxfer", "serve", model, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = ""
            while not (found := re.search(r"server: http://([^:]+):(\d+),", said)):
                line = process.stdout.readline()
                if not line:
                    raise click.ClickException(f"the server did not start: {said.strip()}")
                said += line
            yield found[1], int(found[2])
        finally:
            process.terminate()


def markdown(rounds: dict[str, list[Round]], machine: str) -> str:
    """A row a way, the median of its rounds; rates also over those of the bare model, one image at a time."""
    rows = [
        f"{machine}\n",
        "| what | p50, ms | p99, ms | images a second | of the bare model |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, found in rounds.items():
        p50, p99, rate = (
            statistics.median(values) for values in zip(*((r.at(0.5), r.at(0.99), r.rate) for r in found), strict=True)
        )
        ratios = [one.rate / other.rate for one, other in zip(found, rounds[f"{BARE}, 1 image"], strict=True)]
        shown = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        refused = sum(r.refused for r in found)
        rows.append(f"| {name}{f', {refused} refused' * bool(refused)} | {p50:.1f} | {p99:.1f} | {rate:.1f} | {shown} |")
    return "\n".join(rows) + "\n"


@click.command()
@click.argument("model", default="gender")
@click.option("--clients", default="1,8,32", show_default=True, help="Numbers of clients, with commas between.")
@click.option("--seconds", default=3.0, show_default=True, help="Of each way in each round.")
@click.option("--rounds", default=3, show_default=True)
@click.option("-o", "--out", type=click.Path(path_type=Path), default=Path("runs/serving"), show_default=True)
def main(model: str, clients: str, seconds: float, rounds: int, out: Path) -> None:
    """Measure, print, write. MODEL is what `attrxfer serve` takes; crops of its size are sent, so no subject is detected.

    Bare model and server take turns, so that a drift of the machine hits all. The clients run on the same machine.
    """
    transfer = load_model(model)
    numbers = [int(number) for number in clients.split(",")]
    found: dict[str, list[Round]] = {}
    with served(model) as address:
        ways: dict[str, Callable[[float], Round]] = {
            f"{BARE}, 1 image": lambda time: bare(transfer, 1, time),
            f"{BARE}, {BATCH} images": lambda time: bare(transfer, BATCH, time),
            **{f"server, {n} clients": lambda time, n=n: loaded(address, n, transfer.size, time) for n in numbers},  # type: ignore[misc]
        }
        for way in ways.values():
            way(min(seconds, 0.5))  # not counted
        for _ in range(rounds):
            for name, way in ways.items():
                found.setdefault(name, []).append(way(seconds))
    threads = os.environ.get("OMP_NUM_THREADS", "all")
    load = f", load {os.getloadavg()[0]:.1f} at the end" if hasattr(os, "getloadavg") else ""
    machine = f"{model}, {transfer.size} px; {platform.machine()}, {os.cpu_count()} processors, {threads} threads{load}"
    table = markdown(found, machine)
    values = {name: [{"p50": r.at(0.5), "p99": r.at(0.99), "rate": r.rate} for r in each] for name, each in found.items()}
    write_text(out / "serving.json", json.dumps({"machine": machine, "rounds": values}, indent=2) + "\n")
    write_text(out / "serving.md", table)
    click.echo(table)


if __name__ == "__main__":
    main()
