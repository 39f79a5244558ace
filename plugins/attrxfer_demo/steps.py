"""Long work as a generator of its steps, which ends the work when it is closed."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

Step = TypeVar("Step")


class Stopped(BaseException):
    """Raised inside work that nobody waits for any more; no file's error."""


class Steps(Generic[Step]):
    """Iterates over what work tells. The work runs in a thread of its own, and ends at its next step after ``stop``;
    where it has not begun, it does not begin.

    >>> list(Steps(lambda tell: [tell(number) for number in range(3)]))
    [0, 1, 2]
    """

    def __init__(self, work: Callable[[Callable[[Step], None]], object]) -> None:
        """Set up work, which gets a function to tell its steps with."""
        self._work = work
        self._told: queue.SimpleQueue[tuple[Step] | BaseException | None] = queue.SimpleQueue()
        self._stop = threading.Event()

    def stop(self) -> None:
        """End the work at its next step."""
        self._stop.set()

    def __iter__(self) -> Iterator[Step]:
        """Do the work.

        Yields:
            What it tells.

        Raises:
            Exception: What it raises.
        """
        if self._stop.is_set():
            return
        threading.Thread(target=self._run, daemon=True).start()
        try:
            while (told := self._told.get()) is not None:
                if isinstance(told, BaseException):
                    raise told
                yield told[0]
        finally:
            self.stop()  # nobody waits for the end of the work: gradio closes its generators on its event loop

    def _run(self) -> None:
        try:
            self._work(self._tell)
            self._told.put(None)
        except Stopped:
            self._told.put(None)
        except BaseException as error:
            self._told.put(error)

    def _tell(self, step: Step) -> None:
        if self._stop.is_set():
            raise Stopped
        self._told.put((step,))
