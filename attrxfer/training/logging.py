"""What a run writes and shows while it trains: metrics.jsonl and a progress bar."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from importlib.util import find_spec
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from attrxfer.storage.files import naming
from attrxfer.storage.run_folder import RunFolder

MINUTE = 60.0
"""Seconds."""
SHOWN = 4
"""Scalars beside the progress bar."""


class Metrics:
    """Appends a JSON line for each step to metrics.jsonl."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._file: Any = None

    def rewind(self, stages: Sequence[str], stage: int, step: int) -> None:
        """Remove the lines after a checkpoint.

        Args:
            stages: Keys of the run's stages, in their order.
            stage: Number of the checkpoint's stage; lines of later stages are removed.
            step: Its step; lines of this stage from this step on are removed.
        """
        kept = [
            line
            for line in self._folder.read_metrics()
            if line["stage"] in stages[:stage] or (line["stage"] in stages[stage : stage + 1] and line["step"] < step)
        ]
        self._folder.rewrite_metrics(kept)

    def write(self, stage: str, step: int, values: Mapping[str, float], seconds: float) -> None:
        """Add the scalars of a step, which took so many seconds."""
        if self._file is None:
            self._file = self._folder.metrics.open("a", encoding="utf-8")
        line = {"stage": stage, "step": step, "seconds": round(seconds, 4), **values}
        with naming(self._folder.metrics):
            self._file.write(json.dumps(line) + "\n")

    def flush(self) -> None:
        """Hand all lines to the system."""
        if self._file is not None:
            with naming(self._folder.metrics):
                self._file.flush()

    def close(self) -> None:
        if self._file is not None:
            file, self._file = self._file, None
            with naming(self._folder.metrics):
                file.close()


class EachMinute:
    """Says when a minute has passed, for progress where no bar can be drawn."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Wait a minute from now on."""
        self._last = time.monotonic()

    def passed(self) -> bool:
        """Whether a minute has passed since this was True, or since the beginning."""
        if time.monotonic() - self._last < MINUTE:
            return False
        self.restart()
        return True


def draws_bars(console: Console) -> bool:
    """Whether bars can be drawn here: in a terminal, or in a notebook in which widgets are installed."""
    return console.is_terminal or (console.is_jupyter and find_spec("ipywidgets") is not None)


class Display(AbstractContextManager["Display"]):
    """A progress bar with losses, steps per second and time left; where none can be drawn, a line when a stage begins, each
    minute, and when it ends.

    Args:
        enabled: False shows nothing.
    """

    def __init__(self, *, enabled: bool) -> None:
        self.console = Console(file=sys.stderr, highlight=False, soft_wrap=True)
        self.enabled = enabled
        self.live = enabled and draws_bars(self.console)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[losses]}"),
            console=self.console,
            disable=not self.live,
        )
        self._task: Any = None
        self._minute = EachMinute()
        self._steps = 0
        self._began = 0.0
        self._first = 0

    def __enter__(self) -> Display:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._progress.stop()

    def say(self, text: str) -> None:
        """Print a line."""
        if self.enabled:
            self.console.print(text, markup=False)

    def begin(self, stage: str, done: int, steps: int) -> None:
        """Show a stage of which ``done`` steps were done before."""
        self._began, self._first, self._steps = time.monotonic(), done, steps
        self._minute.restart()
        if self.live:
            self._task = self._progress.add_task(stage, total=steps, completed=done, rate="", losses="")
        else:
            self.say(f"{stage}: {steps} steps" + (f", from {done}" if done else ""))

    def advance(self, step: int, values: Mapping[str, float]) -> None:
        """Show that ``step`` steps are done, and the last one's scalars."""
        if not self.live and not self._minute.passed():
            return
        rate = (step - self._first) / max(time.monotonic() - self._began, 1e-9)
        losses = "  ".join(f"{name} {value:.3g}" for name, value in list(values.items())[-SHOWN:])
        if self.live:
            self._progress.update(self._task, completed=step, rate=f"{rate:.2f}/s", losses=losses)
        else:
            left = (self._steps - step) / rate / 60
            self.say(f"step {step} of {self._steps}, {rate:.2f}/s, {left:.0f} min left  {losses}")

    def end(self, stage: str, values: Mapping[str, float]) -> None:
        """Show that a stage is done, and its last step's scalars."""
        seconds = time.monotonic() - self._began
        if self.live:
            self._progress.update(self._task, losses=f"done in {seconds:.0f} s")
        else:
            losses = "  ".join(f"{name} {value:.3g}" for name, value in values.items())
            self.say(f"{stage}: done in {seconds:.0f} s  {losses}")
