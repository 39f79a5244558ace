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
"""Portions that a worker has at once, the one that it does and the next; one where no more are left than there are workers."""
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
        suspect: Whether it may be what a worker was lost at; then its next worker has nothing else to do.
        losses: How many workers were lost that had nothing else to do.
    """

    tasks: Sequence[Any]
    suspect: bool = False
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
                yield from self._answered(answer)
            if not ready and all(portion is None for _, portion in self.calls.values()):
                raise AttrxferError(f"ray: no worker could start in {PATIENCE:.0f} s; it has {_resources()}")

    def _start(self) -> None:
        worker, answer = self.start()
        self.calls[answer] = worker, None

    def _answered(self, answer: Any) -> Generator[tuple[Any, Any]]:
        """Give the results of a call and call the worker again."""
        worker, portion = self.calls[answer]
        made = _get(answer)
        if isinstance(made, RayError):
            yield from self._lost(worker, made)
            return
        del self.calls[answer]
        if portion is None:
            self.failed_starts = 0
        else:
            yield from zip(portion.tasks, made, strict=True)
        self.give(worker)

    def give(self, worker: Any) -> None:
        """Call a worker with what it can be given now."""
        while self.todo and self._takes(worker, self.todo[0]):
            following = self.todo.popleft()
            self.calls[worker.do.remote(following.tasks)] = worker, following

    def _takes(self, worker: Any, portion: Portion) -> bool:
        """Whether a worker can be given a portion now."""
        own = [one for whose, one in self.calls.values() if whose is worker]
        suspect = any(one is not None and one.suspect for one in (*own, portion))
        scarce = len(self.todo) <= len({id(whose) for whose, _ in self.calls.values()} | {id(worker)})
        return len(own) < (1 if suspect or scarce else AHEAD)

    def _lost(self, worker: Any, error: RayError) -> Generator[tuple[Any, Any]]:
        """Another worker does what a lost one had to do."""
        own = [(answer, portion) for answer, (whose, portion) in self.calls.items() if whose is worker]
        undone: list[Portion] = []
        for answer, portion in own:
            del self.calls[answer]
            made = _get(answer)
            if portion is None:
                self._not_ready(error)
            elif isinstance(made, RayError):
                undone.append(portion)
            else:
                yield from zip(portion.tasks, made, strict=True)
        if undone:
            log.warning("ray: a worker was lost; another does its files (%s)", _why(error).partition(". ")[0])
            yield from self._again(undone)
        if self.todo:
            self._start()

    def _not_ready(self, error: RayError) -> None:
        """Count a worker that was lost before it had opened the job.

        Raises:
            AttrxferError: They all are.
        """
        self.failed_starts += 1
        if self.failed_starts == STARTS:
            raise AttrxferError(f"ray: {STARTS} workers ended before they were ready, the last: {_why(error)[:300]}")

    def _again(self, undone: Sequence[Portion]) -> Generator[tuple[Any, Any]]:
        """Put back what a lost worker had to do: as it was, then task by task; at last a single task has failed."""
        if len(undone) == 1:
            undone[0].losses += 1
        for portion in reversed(undone):
            portion.suspect = True
            if portion.losses < LOSSES:
                self.todo.appendleft(portion)
            elif len(portion.tasks) > 1:
                self.todo.extendleft(Portion([task], suspect=True) for task in reversed(portion.tasks))
            else:
                yield portion.tasks[0], DataError(f"{LOSSES} workers were lost at it, perhaps for want of memory")


def _get(answer: Any) -> Any:
    """A worker's answer; a RayError where the worker was lost.

    Raises:
        AttrxferError: The worker returned it.
        OSError: The worker returned it.
        RayTaskError: An error of our own code, with its traceback.
    """
    try:
        made = ray.get(answer)
    except RayTaskError:
        raise
    except RayError as error:
        return error
    if isinstance(made, Exception):
        raise made
    return made


def _why(error: RayError) -> str:
    """What Ray says of a lost worker, in one line."""
    return " ".join(str(error).split())


def _resources() -> str:
    """What a cluster has, in words."""
    there, free = ray.cluster_resources(), ray.available_resources()
    return f"{there.get('CPU', 0):g} CPUs, of which {free.get('CPU', 0):g} are free"
