"""What has a job of many tasks done by workers: other processes, or other machines."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, Protocol

Work = Callable[[Sequence[Any]], Iterator[Any]]
"""Does some tasks and gives one result a task, in their order. An error that it raises ends the whole job: what is wrong with
one task is that task's result."""


class Job(Protocol):
    """What a worker needs. It can be pickled, and it is small: it names what ``open`` opens."""

    def open(self) -> Work:
        """Open what the tasks need, a model for example; called once in a worker.

        Raises:
            AttrxferError: It cannot be opened there.
        """
        ...


class Engine(Protocol):
    """Kind ``engine``: has the tasks of a job done by workers.

    ``attrxfer transfer --engine NAME`` gives it the files of a transfer.
    """

    def run(self, job: Job, portions: Sequence[Sequence[Any]]) -> Generator[tuple[Any, Any]]:
        """Have tasks done. Where the caller stops early, it closes the generator, and the workers end.

        Args:
            job: What a worker opens.
            portions: The tasks; those of a portion are given to the work at once, since they may be done in batches. A portion
                whose worker was lost is done again.

        Yields:
            (task, result) for each task, once, in any order. The result is the work's, or a DataError where workers were lost
            at this very task again and again.

        Raises:
            AttrxferError: The job cannot be opened or refuses to go on, or there are no workers; the message is one line.
            OSError: The work raised it: the disk is full.
        """
        ...
