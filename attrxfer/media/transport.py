"""Tasks made local: what is in a bucket is fetched before a processor gets it, and its result is put there afterwards."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from attrxfer.errors import DataError
from attrxfer.media.buckets import Url, fetch, names, put
from attrxfer.media.files import FileTask, LocalTask
from attrxfer.storage.drafts import ENDING, prefix, sweep

THREADS = 8
"""Files that are fetched or put at once."""

Made = TypeVar("Made")


def results_there(tasks: Iterable[FileTask]) -> set[FileTask]:
    """The tasks whose result exists. A folder in a bucket is listed once."""
    listed: dict[Url, set[str]] = {}

    def exists(task: FileTask) -> bool:
        if isinstance(task.out, Path):
            return os.path.exists(task.out / task.name)  # noqa: PTH110 (raises nothing)
        if task.out not in listed:
            listed[task.out] = set(names(task.out))
        return task.name.as_posix() in listed[task.out]

    return set(filter(exists, tasks))


class Transport:
    """The local files of some tasks, as a context manager. Those of tasks that are local anyway are these themselves; others
    are in a temporary folder that is deleted at the end.

    Attributes:
        failed: Why sources could not be fetched. A processor gets their tasks too, and finds no file.
    """

    def __init__(self, tasks: Sequence[FileTask], ahead: int) -> None:
        """Set it up.

        Args:
            tasks: The tasks.
            ahead: How many files are fetched before they are needed, and how many results may be on their way.
        """
        self.tasks = tasks
        self.ahead = ahead
        self.failed: dict[FileTask, DataError] = {}
        self._numbers = {task: number for number, task in enumerate(tasks)}
        self._stopped = threading.Event()
        self._folder: Path | None = None  # None: all is local
        if any(isinstance(place, Url) for task in tasks for place in (task.source, task.out)):
            place = Path(tempfile.gettempdir())
            sweep(place)
            self._folder = Path(tempfile.mkdtemp(prefix=prefix(place / "attrxfer"), suffix=ENDING, dir=place))

    def __enter__(self) -> Transport:
        self._pool = ThreadPoolExecutor(THREADS)
        return self

    def __exit__(self, *error: object) -> None:
        self._stopped.set()
        try:
            self._pool.shutdown(cancel_futures=True)
        finally:
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)

    def local(self, task: FileTask) -> LocalTask:
        """A task's local files, whether or not they are there already."""
        own = (self._folder or Path()) / str(self._numbers[task])
        source = own / "source" / task.source.name if isinstance(task.source, Url) else task.source
        return LocalTask(source, own / "result" / task.name.name if isinstance(task.target, Url) else task.target)

    def fetched(self) -> Iterator[LocalTask]:
        """The tasks for a processor, in their order, each when its source is there. Further sources are fetched meanwhile."""
        if self._folder is None:
            yield from map(self.local, self.tasks)
            return
        begun: deque[Future[LocalTask]] = deque()
        for task in self.tasks:
            begun.append(self._pool.submit(self._fetch, task))
            if len(begun) > self.ahead:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()

    def finished(self, jobs: Iterable[Callable[[], Made]]) -> Iterator[Made]:
        """Do what is left to do for each task, by threads where something is to be put; at most ``ahead`` at once.

        Args:
            jobs: What is left to do.

        Yields:
            The results of the jobs, in order; a result that is ready is given when the next job arrives.
        """
        if self._folder is None:
            yield from (job() for job in jobs)
            return
        begun: deque[Future[Made]] = deque()
        for job in jobs:
            begun.append(self._pool.submit(job))
            while begun and (len(begun) >= self.ahead or begun[0].done()):
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()

    def put(self, task: FileTask) -> None:
        """Bring a task's result to where it belongs.

        Raises:
            DataError: It cannot be written there.
            AttrxferError: There is no such bucket.
        """
        if isinstance(task.target, Url):
            put(self.local(task).target, task.target)

    def remove(self, task: FileTask) -> None:
        """Delete a task's temporary files."""
        if self._folder is not None:
            shutil.rmtree(self._folder / str(self._numbers[task]), ignore_errors=True)

    def _fetch(self, task: FileTask) -> LocalTask:
        local = self.local(task)
        if isinstance(task.source, Url):
            local.source.parent.mkdir(parents=True)
            try:
                fetch(task.source, local.source, self._stopped)
            except DataError as error:
                local.source.unlink(missing_ok=True)
                self.failed[task] = error
        return local
