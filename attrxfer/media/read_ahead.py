"""Images in batches: while one batch is transferred, the next are read and the last are written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

from attrxfer.errors import DataError
from attrxfer.media.batch import Answer, OnSteps, Written, ignore_steps
from attrxfer.media.files import FileTask

AHEAD = 2
"""Batches that are read before they are needed, and written while others are transferred."""
WORKERS = 2

Item = TypeVar("Item")
Batch = list[tuple[FileTask, Item | DataError | None]]
"""Files with what was read of them, why nothing was, or None where they are to be copied."""


class BatchedProcessor(ABC, Generic[Item]):
    """Base of the processors of images (a ``FileProcessor``).

    Attributes:
        batch_size: How many files are transferred at once.
    """

    batch_size: ClassVar[int]

    @abstractmethod
    def accepts(self, path: Path) -> bool:
        """Whether this processor takes such files, by name."""

    @abstractmethod
    def read(self, path: Path) -> Item | None:
        """Read a file; called from several threads.

        Returns:
            The content; None where the file is to be copied as it is.

        Raises:
            Skipped: There is nothing to change.
            DataError: The file is broken.
        """

    @abstractmethod
    def transfer(self, items: Sequence[Item]) -> Sequence[Item]:
        """Transfer what was read of some files; called from one thread."""

    @abstractmethod
    def write(self, path: Path, item: Item) -> Written:
        """Write a result; called from several threads.

        Raises:
            DataError: It cannot be written in its format.
        """

    def process(self, tasks: Sequence[FileTask], on_steps: OnSteps = ignore_steps) -> Iterator[Answer]:
        """Transfer files; see ``FileProcessor.process``."""
        with ThreadPoolExecutor(WORKERS) as pool:
            writing: deque[Future[list[Answer]]] = deque()
            for batch in self._read_ahead(pool, tasks):
                writing.append(pool.submit(self._write, self._transfer(batch)))
                while len(writing) > AHEAD:
                    yield from writing.popleft().result()
            for future in writing:
                yield from future.result()

    def _read_ahead(self, pool: ThreadPoolExecutor, tasks: Sequence[FileTask]) -> Iterator[Batch[Item]]:
        """The batches in order, up to ``AHEAD`` of them read before they are asked for."""
        waiting: deque[Future[Batch[Item]]] = deque()
        for start in range(0, len(tasks), self.batch_size):
            waiting.append(pool.submit(self._read, tasks[start : start + self.batch_size]))
            if len(waiting) > AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    def _read(self, tasks: Sequence[FileTask]) -> Batch[Item]:
        batch: Batch[Item] = []
        for task in tasks:
            try:
                batch.append((task, self.read(task.source)))
            except DataError as error:
                batch.append((task, error))
        return batch

    def _transfer(self, batch: Batch[Item]) -> Batch[Item]:
        items = [item for _, item in batch if item is not None and not isinstance(item, DataError)]
        results = iter(self.transfer(items) if items else ())
        return [(task, item if item is None or isinstance(item, DataError) else next(results)) for task, item in batch]

    def _write(self, batch: Batch[Item]) -> list[Answer]:
        return [item if item is None or isinstance(item, DataError) else self._write_one(task, item) for task, item in batch]

    def _write_one(self, task: FileTask, item: Item) -> Answer:
        try:
            return self.write(task.target, item)
        except DataError as error:
            return error
