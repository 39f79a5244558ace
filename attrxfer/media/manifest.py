"""The manifest: what became of a folder's files, as JSON beside the results."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from attrxfer.errors import DataError
from attrxfer.media.batch import BatchOptions, FileResult
from attrxfer.media.buckets import NotThere, Place, read_content, write_content
from attrxfer.media.detection import plural

EVERY = 10.0
"""Seconds after which it is written again while a transfer goes on."""


class Manifest:
    """manifest.json of an output folder; manifest-I-of-N.json for a shard.

    It holds the provenance (model, strength), and for each file input, output, outcome, the bounding boxes of the subjects
    ([left, top, right, bottom] in the upright image) under the plural of the detector's subject, notes and reason. A file that
    was there has its own provenance where that differs; null where nobody noted it.
    """

    def __init__(self, out: Place, provenance: Mapping[str, str], options: BatchOptions, subject: str) -> None:
        """Begin a manifest. With ``options.skip_existing`` it goes on from the one that exists.

        Args:
            out: The output folder.
            provenance: See ``provenance.provenance_of``.
            options: The shard, and whether an earlier transfer goes on.
            subject: What the detector detects, in the singular.

        Raises:
            OSError: The manifest that exists cannot be read.
            DataError: The same, of a URL; or it is damaged.
        """
        part, parts = options.shard
        self.path = out / (f"manifest-{part}-of-{parts}.json" if parts > 1 else "manifest.json")
        self.provenance = provenance
        self.subject = subject
        self.images: dict[str, dict[str, Any]] = self._earlier() if options.skip_existing else {}
        self.written = time.monotonic()

    def add(self, file: FileResult) -> None:
        """Note a file. One whose result existed keeps what was noted when it was made."""
        line: dict[str, Any] = {"input": str(file.source), "outcome": file.outcome}
        if file.written.boxes:
            line[plural(self.subject)] = [{"box": list(box)} for box in file.written.boxes]
        if file.written.notes:
            line["notes"] = list(file.written.notes)
        if file.reason:
            line["reason"] = file.reason
        name = file.name.as_posix()
        if file.outcome == "there" and name not in self.images:
            line |= dict.fromkeys(self.provenance)  # nobody noted how it was made
        if file.outcome != "there" or name not in self.images:
            self.images[name] = line
        if time.monotonic() - self.written > EVERY:
            self.write()

    def write(self) -> None:
        """Write the file, atomically."""
        exists = ("changed", "copied", "there")
        images = [{"output": name if line["outcome"] in exists else None, **line} for name, line in sorted(self.images.items())]
        text = json.dumps({**self.provenance, "images": images}, indent=1, ensure_ascii=False) + "\n"
        write_content(self.path, text.encode("utf-8", "backslashreplace"))  # bytes of names that are no UTF-8: JSON's escapes
        self.written = time.monotonic()

    def _earlier(self) -> dict[str, dict[str, Any]]:
        try:
            content = read_content(self.path)
        except (FileNotFoundError, NotThere):
            return {}
        try:
            known = json.loads(content)
            lines = {line.pop("output"): line for line in known["images"] if line["output"] is not None}
            return {name: self._as_it_was_made(line, known) for name, line in lines.items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            raise DataError(f"{self.path}: damaged: delete it to begin a new one") from None

    def _as_it_was_made(self, line: dict[str, Any], earlier: Mapping[str, Any]) -> dict[str, Any]:
        """A line of an earlier manifest, with what differs from this transfer's provenance: another model or strength."""
        keys = [key for key in (*self.provenance, *earlier) if key != "images"]
        made = {key: line.pop(key, earlier.get(key)) for key in dict.fromkeys(keys)}
        return {**line, **{key: value for key, value in made.items() if value != self.provenance.get(key)}}
