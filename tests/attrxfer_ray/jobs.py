"""Jobs that end their worker. Workers import this module."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from attrxfer.interfaces import Work


@dataclass(frozen=True)
class Deadly:
    """Doubles numbers, and kills its worker at some of them.

    Attributes:
        folder: Where each death leaves a file.
        at: {number: how many workers are killed at it}.
        opens: Whether it survives to be opened.
    """

    folder: Path
    at: dict[int, int]
    opens: bool = True

    def open(self) -> Work:
        if not self.opens:
            self._die("open")
        return self._work

    def _work(self, tasks: Sequence[int]) -> Iterator[int]:
        for task in tasks:
            if len(list(self.folder.glob(f"{task}-*"))) < self.at.get(task, 0):
                self._die(str(task))
            yield 2 * task

    def _die(self, at: str) -> None:
        (self.folder / f"{at}-{os.getpid()}").touch()
        os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class Faulty:
    """A job with a fault of its own."""

    def open(self) -> Work:
        return lambda tasks: iter([1 / 0])
