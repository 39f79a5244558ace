"""The folder of a run: which file is where."""

from __future__ import annotations

import json
import logging
import platform
import shlex
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from attrxfer.errors import AttrxferError, DataError
from attrxfer.storage.files import read_json, write_text

log = logging.getLogger("attrxfer")
LIBRARIES = ("torch", "torchvision", "accelerate", "timm", "kornia", "numpy", "safetensors")


@dataclass(frozen=True)
class RunFolder:
    """The folder of a run.

    It holds recipe.toml (filled), run.json (environment, data), metrics.jsonl, samples/, checkpoints/, ends/ (where stages that
    train T ended, so that they can be lengthened), and at the end bundle/, scores.json and report.html.

    Attributes:
        path: The folder.
    """

    path: Path

    @property
    def recipe(self) -> Path:
        return self.path / "recipe.toml"

    @property
    def info(self) -> Path:
        return self.path / "run.json"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.jsonl"

    @property
    def samples(self) -> Path:
        return self.path / "samples"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def ends(self) -> Path:
        return self.path / "ends"

    @property
    def bundle(self) -> Path:
        return self.path / "bundle"

    @property
    def scores(self) -> Path:
        return self.path / "scores.json"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    @property
    def lock(self) -> Path:
        return self.path / ".lock"

    @property
    def resume_command(self) -> str:
        return f"attrxfer run --resume {shlex.quote(str(self.path))}"

    def create(self, recipe: str, info: dict[str, Any]) -> None:
        """Make the folder, with recipe.toml and run.json.

        Args:
            recipe: The filled recipe as TOML.
            info: The content of run.json.

        Raises:
            AttrxferError: The folder holds a run; the message has the command that resumes it.
        """
        self.refuse_existing()
        self.path.mkdir(parents=True, exist_ok=True)
        self.update_info(info)
        write_text(self.recipe, recipe)

    def refuse_existing(self) -> None:
        """Check that the folder holds no run.

        Raises:
            AttrxferError: It holds one; the message has the command that resumes it.
        """
        if self.recipe.exists():
            raise AttrxferError(
                f"{self.path}: a run is here already; resume it with: {self.resume_command}, or choose another folder with -o"
            )

    def require(self) -> None:
        """Check that the folder holds a run.

        Raises:
            AttrxferError: It holds none.
        """
        if not self.recipe.is_file():
            raise AttrxferError(f"{self.path}: no recipe.toml here, so this is not a run")

    @contextmanager
    def occupied(self) -> Iterator[None]:
        """Lock the folder while this process trains in it. The system releases the lock even after a crash.

        Windows has no such locks: there the folder is not locked.

        Raises:
            AttrxferError: Another process holds the lock.
        """
        try:
            import fcntl
        except ImportError:
            yield
            return
        self.path.mkdir(parents=True, exist_ok=True)
        with self.lock.open("wb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise AttrxferError(f"{self.path}: another process is training here; wait for it, or stop it first") from None
            yield

    def read_info(self) -> dict[str, Any]:
        """The content of run.json; empty where there is none, or it is damaged, which the log says."""
        if not self.info.is_file():
            return {}
        try:
            content = read_json(self.info)
        except DataError:
            content = None
        if isinstance(content, dict):
            return content
        log.warning("%s: damaged; what it said of the run is lost", self.info)
        return {}

    def update_info(self, values: dict[str, Any]) -> None:
        """Add or replace entries of run.json."""
        write_text(self.info, json.dumps({**self.read_info(), **values}, indent=2, ensure_ascii=False) + "\n")

    def read_metrics(self) -> Iterator[dict[str, Any]]:
        """The lines of metrics.jsonl, without an incomplete last line; up to a damaged one, which the log names."""
        if not self.metrics.is_file():
            return
        with self.metrics.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    return
                try:
                    values = json.loads(line)
                except (ValueError, RecursionError):
                    values = None
                if not isinstance(values, dict):
                    log.warning("%s, line %d: damaged; the lines from there on are left out", self.metrics, number)
                    return
                yield values

    def rewrite_metrics(self, lines: Iterable[dict[str, Any]]) -> None:
        write_text(self.metrics, "".join(json.dumps(line) + "\n" for line in lines))


def environment(threads: int, processes: int, device: str) -> dict[str, Any]:
    """Versions, machine, threads and processes, as run.json records them."""
    versions = {}
    for name in ("attrxfer", *LIBRARIES):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "unknown"
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "device": device,
        "threads": threads,
        "processes": processes,
        "versions": versions,
    }
