"""What a run shows while it trains: scalars and a progress bar."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from attrxfer.storage.run_folder import RunFolder

SHOWN = 4


class Metrics:
    """Appends one JSON line a step to metrics.jsonl."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._file: Any = None

    def rewind(self, stages: Sequence[str], stage: int, step: int) -> None:
        """Forget all lines that come after a checkpoint: those of later stages, and of this stage from ``step`` on."""
        kept = [
            line
            for line in self._folder.read_metrics()
            if line["stage"] in stages[:stage] or (line["stage"] in stages[stage : stage + 1] and line["step"] < step)
        ]
        self._folder.rewrite_metrics(kept)

    def write(self, stage: str, step: int, values: Mapping[str, float], seconds: float) -> None:
        if self._file is None:
            self._file = self._folder.metrics.open("a")
        line = {"stage": stage, "step": step, "seconds": round(seconds, 4), **values}
        self._file.write(json.dumps(line) + "\n")

    def flush(self) -> None:
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


class Display(AbstractContextManager["Display"]):
    """A progress bar with losses, steps a second and time left; on anything but a terminal a line a stage."""

    def __init__(self, *, enabled: bool) -> None:
        self.console = Console(file=sys.stderr, highlight=False, soft_wrap=True)
        self.enabled = enabled
        self.live = enabled and self.console.is_terminal
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
        self._began = 0.0
        self._first = 0

    def __enter__(self) -> Display:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._progress.stop()

    def say(self, text: str) -> None:
        """A line for the user."""
        if self.enabled:
            self.console.print(text, markup=False)

    def begin(self, stage: str, done: int, steps: int) -> None:
        self._began, self._first = time.monotonic(), done
        if self.live:
            self._task = self._progress.add_task(stage, total=steps, completed=done, rate="", losses="")
        else:
            self.say(f"{stage}: {steps} steps" + (f", from {done}" if done else ""))

    def advance(self, step: int, values: Mapping[str, float]) -> None:
        if self.live:
            rate = (step - self._first) / max(time.monotonic() - self._began, 1e-9)
            losses = "  ".join(f"{name} {value:.3g}" for name, value in list(values.items())[-SHOWN:])
            self._progress.update(self._task, completed=step, rate=f"{rate:.2f}/s", losses=losses)

    def end(self, stage: str, values: Mapping[str, float]) -> None:
        seconds = time.monotonic() - self._began
        if self.live:
            self._progress.update(self._task, losses=f"done in {seconds:.0f} s")
        else:
            losses = "  ".join(f"{name} {value:.3g}" for name, value in values.items())
            self.say(f"{stage}: done in {seconds:.0f} s  {losses}")
