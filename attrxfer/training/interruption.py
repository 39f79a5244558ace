"""Ctrl-C and SIGTERM: the run stops after the step under way."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import torch

from attrxfer.training.devices import AccelerateDevices


class Interruption:
    """Whether the user asked the run to stop. ``requested`` may be set by a caller, too."""

    def __init__(self, devices: AccelerateDevices) -> None:
        self.devices = devices
        self.requested = False

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Take Ctrl-C and SIGTERM for a request; a second one stops at once."""

        def ask(number: int, frame: FrameType | None) -> None:
            if self.requested:
                raise KeyboardInterrupt
            self.requested = True

        before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def asked(self) -> bool:
        """Whether any process was asked to stop: equal in all of them."""
        if self.devices.world == 1:
            return self.requested
        mine = torch.tensor([float(self.requested)], device=self.devices.device)
        return bool(self.devices.gather(mine).sum() > 0)
