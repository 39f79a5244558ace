"""Requests in batches: one thread transfers what waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple

WAIT = 0.002
"""Seconds for which the thread waits for more of a kind before it transfers fewer than a batch."""

Work = Callable[[Sequence[Any]], Sequence[Any]]
"""Transfers items, in their order."""


class Job(NamedTuple):
    """An item that waits.

    Attributes:
        kind: Items of equal kinds can be transferred together.
        work: What transfers items of its kind.
        item: The item.
        result: Gets what the work makes of it.
    """

    kind: Hashable
    work: Work
    item: Any
    result: Future[Any]


class Batcher:
    """Transfers items of many threads in one, as many of a kind at once as wait, the oldest first.

    Args:
        size: Items in a batch, at most.
        wait: Seconds for which the thread waits for more of a kind.
    """

    def __init__(self, size: int, wait: float = WAIT) -> None:
        self.size, self.wait = size, wait
        self._jobs: list[Job] = []
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="transfer", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the thread still works."""
        return self._thread.is_alive()

    @property
    def waiting(self) -> int:
        """How many items wait."""
        return len(self._jobs)

    def submit(self, kind: Hashable, work: Work, item: Any) -> Future[Any]:
        """Let an item be transferred; a result that is cancelled in time is never worked on."""
        job = Job(kind, work, item, Future())
        with self._changed:
            self._jobs.append(job)
            self._changed.notify_all()
        return job.result

    def close(self) -> None:
        """End the thread after the batch that it works on; what still waits is cancelled."""
        with self._changed:
            self._closed = True
            for job in self._jobs:
                job.result.cancel()
            self._jobs.clear()
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while not self._closed:
            batch = [job for job in self._take() if job.result.set_running_or_notify_cancel()]
            if batch:
                _transfer(batch)

    def _take(self) -> Sequence[Job]:
        """The oldest item and those of its kind, when they fill a batch or have waited; empty at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or bool(self._jobs))
            if self._closed:
                return ()
            kind, ends = self._jobs[0].kind, time.monotonic() + self.wait
            while not self._closed and len(self._of(kind)) < self.size and (left := ends - time.monotonic()) > 0:
                self._changed.wait(left)
            batch = self._of(kind)[: self.size]
            taken = set(map(id, batch))
            self._jobs = [job for job in self._jobs if id(job) not in taken]
        return batch

    def _of(self, kind: Hashable) -> list[Job]:
        return [job for job in self._jobs if job.kind == kind]


def _transfer(batch: Sequence[Job]) -> None:
    """Transfer a batch; where that fails, each item alone, so that one that cannot be transferred harms no other."""
    try:
        results = batch[0].work([job.item for job in batch])
    except Exception as error:  # a network may raise anything
        if len(batch) == 1:
            batch[0].result.set_exception(error)
        for job in batch if len(batch) > 1 else ():
            _transfer([job])
        return
    for job, result in zip(batch, results, strict=True):
        job.result.set_result(result)
