"""Ctrl-C, SIGTERM and SIGHUP (a closed terminal): the run stops after the current step."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from attrxfer.training.processes import Processes

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


class Interruption:
    """Whether the run was asked to stop.

    Attributes:
        requested: Set by the signals; a caller may set it too.
    """

    def __init__(self, processes: Processes) -> None:
        self.processes = processes
        self.requested = False

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Inside, Ctrl-C, SIGTERM or SIGHUP requests a stop; a second one raises KeyboardInterrupt at once. A signal that
        whoever started the process has told it to ignore, as nohup does, stays ignored."""

        def ask(number: int, frame: FrameType | None) -> None:
            if self.requested:
                raise KeyboardInterrupt
            self.requested = True

        numbers = [getattr(signal, name) for name in SIGNALS if hasattr(signal, name)]  # Windows has no SIGHUP
        heeded = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
        before = {number: signal.signal(number, ask) for number in heeded}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def asked(self) -> bool:
        """Whether any process was asked to stop; the answer is the same in all of them."""
        return self.processes.any(self.requested)
