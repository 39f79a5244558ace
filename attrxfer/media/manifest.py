"""What became of a folder's files, as JSON beside the results."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrxfer.media.batch import BatchOptions, FileResult
from attrxfer.storage.files import write_text

EVERY = 10.0
"""Seconds after which it is written again while a transfer goes on."""


class Manifest:
    """manifest.json of an output folder (manifest-I-of-N.json for a part of the files): the model, the strength, and for each
    file input, output, outcome, the faces with their boxes [left, top, right, bottom] in the upright image, notes and
    reason. With ``order.skip_existing`` it goes on from the one that is there."""

    def __init__(self, out: Path, said: Mapping[str, Any], order: BatchOptions) -> None:
        part, parts = order.shard
        self.path = out / (f"manifest-{part}-of-{parts}.json" if parts > 1 else "manifest.json")
        self.said = said
        self.images: dict[str, dict[str, Any]] = self._earlier() if order.skip_existing else {}
        self.written = time.monotonic()

    def add(self, entry: FileResult) -> None:
        """Note a file; one whose result was there keeps what was noted when it was made."""
        line: dict[str, Any] = {"input": str(entry.source), "outcome": entry.outcome}
        if entry.result.boxes:
            line["faces"] = [{"box": list(box)} for box in entry.result.boxes]
        if entry.result.notes:
            line["notes"] = list(entry.result.notes)
        if entry.reason:
            line["reason"] = entry.reason
        name = entry.name.as_posix()
        if entry.outcome != "there" or name not in self.images:
            self.images[name] = line
        if time.monotonic() - self.written > EVERY:
            self.write()

    def write(self) -> None:
        """Atomically."""
        there = ("changed", "copied", "there")
        images = [{"output": name if line["outcome"] in there else None, **line} for name, line in sorted(self.images.items())]
        write_text(self.path, json.dumps({**self.said, "images": images}, indent=1, ensure_ascii=False) + "\n")
        self.written = time.monotonic()

    def _earlier(self) -> dict[str, dict[str, Any]]:
        try:
            known = json.loads(self.path.read_text())["images"]
            return {line.pop("output"): line for line in known if line["output"] is not None}
        except (OSError, ValueError, KeyError, TypeError):
            return {}
