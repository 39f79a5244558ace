"""Images in batches: while one batch is transferred, the next are read and the last are written."""

from __future__ import annotations

import functools
import itertools
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

from attrxfer.errors import DataError
from attrxfer.media.batch import Answer, OnSteps, Written, attempt, ignore_steps
from attrxfer.media.files import LocalTask

AHEAD = 2
"""Batches that are read before they are needed, and written while others are transferred."""
WORKERS = 2
MOST_PIXELS = 60_000_000
"""Pixels of all photos that are in memory at once; a larger photo is alone there."""

Item = TypeVar("Item")
Batch = list[tuple[LocalTask, Item | DataError | None]]
"""Files with what was read of them, why nothing was, or None where they are to be copied."""


class BatchedProcessor(ABC, Generic[Item]):
    """Base of the processors of images (a ``FileProcessor``).

    Attributes:
        batch_size: How many files are transferred at once.
        portion: How many files a worker gets at once, whole batches: what it reads ahead and writes meanwhile are of these.
    """

    batch_size: ClassVar[int]
    portion: ClassVar[int] = 16

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

    def weight(self, path: Path) -> int:
        """How many pixels a file has, before it is read; 0 where that does not matter."""
        return 0

    def process(self, tasks: Iterable[LocalTask], on_steps: OnSteps = ignore_steps) -> Generator[Answer]:
        """Transfer files; see ``FileProcessor.process``."""
        with ThreadPoolExecutor(WORKERS) as pool:
            reading: deque[Future[Batch[Item]]] = deque()
            writing: deque[Future[list[Answer]]] = deque()
            weights: deque[int] = deque()  # of the batches that are read, transferred or written
            coming = iter(tasks)
            while batch := list(itertools.islice(coming, self.batch_size)):
                weight = sum(self.weight(task.source) for task in batch)
                while len(reading) > AHEAD or (weights and sum(weights) + weight > MOST_PIXELS):
                    yield from self._advance(pool, reading, writing, weights)
                reading.append(pool.submit(self._read, batch))
                weights.append(weight)
            while weights:
                yield from self._advance(pool, reading, writing, weights)

    def _advance(
        self,
        pool: ThreadPoolExecutor,
        reading: deque[Future[Batch[Item]]],
        writing: deque[Future[list[Answer]]],
        weights: deque[int],
    ) -> Iterator[Answer]:
        """Transfer the next batch that was read and have it written; give the answers of batches that must be finished."""
        if reading:
            writing.append(pool.submit(self._write, self._transfer(reading.popleft().result())))
        if len(writing) > AHEAD or not reading:
            answers = writing.popleft().result()
            weights.popleft()
            yield from answers

    def _read(self, tasks: Sequence[LocalTask]) -> Batch[Item]:
        return [(task, attempt(task.source, functools.partial(self.read, task.source))) for task in tasks]

    def _transfer(self, batch: Batch[Item]) -> Batch[Item]:
        given = [(task, item) for task, item in batch if item is not None and not isinstance(item, DataError)]
        if not given:
            return batch
        made = attempt(given[0][0].source, lambda: self.transfer([item for _, item in given]))
        if isinstance(made, DataError) and len(given) > 1:  # of one of them: each alone
            return [self._transfer([one])[0] for one in batch]
        results: Iterator[Item | DataError] = iter([made] if isinstance(made, DataError) else made)
        return [(task, item if item is None or isinstance(item, DataError) else next(results)) for task, item in batch]

    def _write(self, batch: Batch[Item]) -> list[Answer]:
        return [
            item
            if item is None or isinstance(item, DataError)
            else attempt(task.source, functools.partial(self.write, task.target, item))
            for task, item in batch
        ]
