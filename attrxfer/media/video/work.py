"""What is finished of a result, in a hidden folder beside it, so that a job that was stopped goes on."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attrxfer.media.video.encode import Packets
from attrxfer.storage.files import write_bytes, write_text

Find = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


class JobFolder:
    """The folder of one result. What lies there from another job (another input, model, strength) is thrown away."""

    def __init__(self, out: Path, job: Mapping[str, Any]) -> None:
        self.folder = out.parent / f".{out.name}.work"
        said = json.dumps(job, indent=2, sort_keys=True) + "\n"
        metadata = self.folder / "job.json"
        if not metadata.is_file() or metadata.read_text() != said:
            self.remove()
            write_text(metadata, said)

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def remembered(self, find: Find) -> Find:
        """``find``, which gives what it gave when the job ran before, call by call, as long as there is something.

        A job asks for the same images in the same order each time, so that the order says which answer is meant.
        """
        file = self.folder / "looks.jsonl"
        known = _lines(file)
        file.write_text("".join(known))  # without a line that was cut off
        old: Iterator[str] = iter(known)

        def finding(image: NDArray[np.uint8]) -> NDArray[np.float32]:
            line = next(old, None)
            if line is not None:
                shape, values = json.loads(line)
                return np.array(values, np.float32).reshape(shape)
            points = find(image)
            with file.open("a") as log:
                log.write(json.dumps([points.shape, points.astype(float).ravel().tolist()]) + "\n")
            return points

        return finding

    def has(self, number: int) -> bool:
        """Whether this segment is finished."""
        return self._segment(number).is_file()

    def put(self, number: int, packets: Packets) -> None:
        buffer = io.BytesIO()
        np.savez(buffer, **vars(packets))
        write_bytes(self._segment(number), buffer.getvalue())

    def get(self, number: int) -> Packets:
        with np.load(self._segment(number), allow_pickle=False) as kept:
            return Packets(**kept)

    def numbers(self, number: int) -> NDArray[np.int64]:
        """Which frames a segment holds, in the order they are decoded in."""
        with np.load(self._segment(number), allow_pickle=False) as kept:
            return kept["numbers"]

    def _segment(self, number: int) -> Path:
        return self.folder / f"{number:06d}.npz"


def _lines(file: Path) -> list[str]:
    """The whole lines of a file."""
    return [line for line in file.read_text().splitlines(keepends=True) if line.endswith("\n")] if file.is_file() else []
