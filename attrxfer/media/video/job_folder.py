"""The finished parts of a result, in a hidden folder beside it, so that a job that was stopped goes on."""

from __future__ import annotations

import io
import itertools
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attrxfer.media.video.encoding import Packets
from attrxfer.media.video.tracking import Detect
from attrxfer.storage.drafts import hidden_name
from attrxfer.storage.files import is_full_disk, write_bytes, write_text


class JobFolder:
    """The folder of one result.

    Attributes:
        folder: Its path.
    """

    def __init__(self, out: Path, job: Mapping[str, Any]) -> None:
        """Open or create the folder. What another job left there is deleted.

        Args:
            out: The result's file.
            job: All that the result depends on (input, model, strength), as JSON takes it.
        """
        self.folder = out.parent / hidden_name(out, "work")
        content = json.dumps(job, indent=2, sort_keys=True) + "\n"
        file = self.folder / "job.json"
        if not file.is_file() or file.read_text(encoding="utf-8", errors="replace") != content:
            self.remove()
            write_text(file, content)

    def __enter__(self) -> JobFolder:
        return self

    def __exit__(self, kind: object, error: BaseException | None, *rest: object) -> None:
        """Delete the folder when the job is done, or its video cannot be transferred. It stays where the job can go on: after
        Ctrl-C, and when the disk is full."""
        if error is None or (isinstance(error, Exception) and not is_full_disk(error)):
            self.remove()

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def cached(self, detect: Detect) -> Detect:
        """A detector that first returns the results of the job's earlier calls, then calls ``detect`` and stores what it
        returns. A job detects in the same images in the same order each time."""
        file = self.folder / "detections.jsonl"
        stored = _whole_lines(file)
        file.write_text("".join(stored), encoding="utf-8")  # without a line that was cut off
        earlier: Iterator[str] = iter(stored)

        def cached_detect(image: NDArray[np.uint8]) -> NDArray[np.float32]:
            line = next(earlier, None)
            if line is not None:
                shape, values = json.loads(line)
                return np.array(values, np.float32).reshape(shape)
            points = detect(image)
            with file.open("a", encoding="utf-8") as log:
                log.write(json.dumps([points.shape, points.astype(float).ravel().tolist()]) + "\n")
            return points

        return cached_detect

    def has_segment(self, number: int) -> bool:
        """Whether this segment is finished."""
        return self._segment(number).is_file()

    def write_segment(self, number: int, packets: Packets) -> None:
        """Store a finished segment."""
        buffer = io.BytesIO()
        np.savez(buffer, **vars(packets))
        write_bytes(self._segment(number), buffer.getvalue())

    def read_segment(self, number: int) -> Packets:
        """A finished segment."""
        with np.load(self._segment(number), allow_pickle=False) as arrays:
            return Packets(**arrays)

    def read_frame_numbers(self, number: int) -> NDArray[np.int64]:
        """Numbers of the frames in a segment, in the order they are decoded in."""
        with np.load(self._segment(number), allow_pickle=False) as arrays:
            return arrays["numbers"]

    def _segment(self, number: int) -> Path:
        return self.folder / f"{number:06d}.npz"


def _whole_lines(file: Path) -> list[str]:
    """The lines up to the first that is cut off, or zeros after a power cut."""
    text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    return list(itertools.takewhile(lambda line: line.startswith("[[") and line.endswith("]]\n"), text.splitlines(True)))
