"""The workers of a job: what each has to do, and what becomes of it when one is lost."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from attrxfer.errors import AttrxferError, DataError

AHEAD = 2
"""Portions that a worker has at once: the one that it does, and the next."""
LOSSES = 2
"""Workers that may be lost at a portion before its tasks are done one by one, and at a single task before it has failed."""
STARTS = 3
"""Workers that may be lost one after another before they have opened the job."""
PATIENCE = 600.0
"""Seconds in which the first worker must have started."""

log = logging.getLogger("attrxfer")


@dataclass
class Portion:
    """Tasks that one worker does.

    Attributes:
        tasks: The tasks.
        losses: How many workers were lost while they did them.
    """

    tasks: Sequence[Any]
    losses: int = 0


class Crew:
    """Workers, and the calls that they have not answered yet."""

    def __init__(self, start: Callable[[], tuple[Any, Any]], portions: Sequence[Sequence[Any]]) -> None:
        """Set up a crew without workers.

        Args:
            start: Starts a worker; returns it, and its answer to ``Worker.open``.
            portions: What is to be done.
        """
        self.start = start
        self.todo = deque(Portion(tasks) for tasks in portions)
        self.calls: dict[Any, tuple[Any, Portion | None]] = {}
        """The answers that are awaited, oldest first; None: the worker opens the job."""
        self.failed_starts = 0

    def results(self, size: int) -> Generator[tuple[Any, Any]]:
        """Start ``size`` workers and have everything done; see ``Engine.run``."""
        for _ in range(size):
            self._start()
        while self.todo or any(portion is not None for _, portion in self.calls.values()):
            ready, _ = ray.wait(list(self.calls), timeout=PATIENCE)
            for answer in ready:
                worker, portion = self.calls.pop(answer)
                yield from self._answered(worker, portion, answer)
            if not ready and all(portion is None for _, portion in self.calls.values()):
                raise AttrxferError(f"ray: no worker could start in {PATIENCE:.0f} s; it has {_resources()}")

    def _start(self) -> None:
        worker, answer = self.start()
        self.calls[answer] = worker, None

    def _answered(self, worker: Any, portion: Portion | None, answer: Any) -> Generator[tuple[Any, Any]]:
        """Give the results of a call and call the worker again."""
        try:
            made = ray.get(answer)
        except RayTaskError:  # an error of our own code, with its traceback
            raise
        except RayError as error:
            yield from self._lost(worker, portion, error)
            return
        if isinstance(made, Exception):
            raise made
        if portion is None:
            self.failed_starts = 0
        else:
            yield from zip(portion.tasks, made, strict=True)
        while self.todo and sum(own is worker for own, _ in self.calls.values()) < AHEAD:
            following = self.todo.popleft()
            self.calls[worker.do.remote(following.tasks)] = worker, following

    def _lost(self, worker: Any, portion: Portion | None, error: RayError) -> Generator[tuple[Any, Any]]:
        """Another worker does what a lost one had to do."""
        own = [(answer, mine) for answer, (whose, mine) in self.calls.items() if whose is worker]
        for answer, mine in reversed(own):
            del self.calls[answer]
            assert mine is not None  # a worker gets portions when it has opened the job
            self.todo.appendleft(mine)
        why = " ".join(str(error).split())
        if portion is None:
            self.failed_starts += 1
            if self.failed_starts == STARTS:
                raise AttrxferError(f"ray: {STARTS} workers ended before they were ready, the last: {why[:300]}")
        else:
            log.warning("ray: a worker was lost; another does its files (%s)", why[:100])
            yield from self._again(portion)
        if self.todo:
            self._start()

    def _again(self, portion: Portion) -> Generator[tuple[Any, Any]]:
        """Put back what a worker was lost at: as it was, then one by one; at last it has failed."""
        portion.losses += 1
        if portion.losses < LOSSES:
            self.todo.appendleft(portion)
        elif len(portion.tasks) > 1:
            self.todo.extendleft(Portion([task]) for task in reversed(portion.tasks))
        else:
            yield portion.tasks[0], DataError(f"{LOSSES} workers were lost at it, perhaps for want of memory")


def _resources() -> str:
    """What a cluster has, in words."""
    there, free = ray.cluster_resources(), ray.available_resources()
    return f"{there.get('CPU', 0):g} CPUs, of which {free.get('CPU', 0):g} are free"
