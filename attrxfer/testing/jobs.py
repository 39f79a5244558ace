"""Jobs for the checks of engines. Workers import this module, so it imports neither torch nor NumPy."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from attrxfer.errors import AttrxferError
from attrxfer.interfaces import Work

REFUSED = "this model takes no such file"
NOT_HERE = "weights.safetensors: no such file"


class Given(NamedTuple):
    """The result of a task.

    Attributes:
        task: The task.
        portion: All tasks that the work was given with it.
    """

    task: int
    portion: tuple[int, ...]


@dataclass(frozen=True)
class Numbers:
    """A job whose tasks are numbers.

    Attributes:
        opens: Whether it can be opened.
        refuses: A number that ends the job.
        fills: A number at which the disk is full.
    """

    opens: bool = True
    refuses: int | None = None
    fills: int | None = None

    def open(self) -> Work:
        """The work gives a ``Given`` for each number."""
        if not self.opens:
            raise AttrxferError(NOT_HERE)
        return self._work

    def _work(self, tasks: Sequence[int]) -> Iterator[Given]:
        for task in tasks:
            if task == self.refuses:
                raise AttrxferError(REFUSED)
            if task == self.fills:
                raise OSError(errno.ENOSPC, "No space left on device", "out/a.png")
            yield Given(task, tuple(tasks))
