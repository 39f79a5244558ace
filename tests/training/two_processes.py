"""Two processes of one run on this machine, as copies of the tests' own: a new interpreter takes seconds to import torch."""

from __future__ import annotations

import multiprocessing
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from accelerate.state import AcceleratorState

from attrxfer.training.devices import AccelerateDevices

Task = Callable[[AccelerateDevices], Any]


def in_two_processes(task: Task, folder: Path) -> list[Any]:
    """What ``task`` returns in each of two processes, by rank; an exception is returned as its type's name and its text."""
    context = multiprocessing.get_context("fork")
    answers: Any = context.SimpleQueue()
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    children = [context.Process(target=_run, args=(task, rank, port, folder, answers)) for rank in range(2)]
    for child in children:
        child.start()
    got = dict(answers.get() for _ in children)
    for child in children:
        child.join(30)
    return [got[rank] for rank in range(2)]


def _run(task: Task, rank: int, port: int, folder: Path, answers: Any) -> None:
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "ATTRXFER_CACHE": str(folder / f"cache{rank}")}
    torch.set_num_threads(1)  # a copied process has no threads of its parent
    AcceleratorState._reset_state(reset_partial_state=True)
    try:
        made = AccelerateDevices(precision="no", channels_last=False, threads=1, trackers=[], folder=folder)
        answers.put((rank, task(made)))
    except Exception as error:
        answers.put((rank, f"{type(error).__name__}: {error}"))
    finally:
        os._exit(0)  # not the tests' own end
