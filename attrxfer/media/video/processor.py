"""The processor of video files."""

from __future__ import annotations

import functools
from collections.abc import Generator, Iterable, Mapping
from pathlib import Path
from typing import ClassVar

from attrxfer.media.batch import Answer, OnSteps, Skipped, Written, attempt, ignore_steps
from attrxfer.media.files import LocalTask
from attrxfer.media.photos import Photos
from attrxfer.media.video.reader import is_video, require_pyav
from attrxfer.media.video.transfer import transfer_video


class VideoProcessor:
    """Transfers videos one after another (a ``FileProcessor``). A video that was interrupted goes on where it stopped."""

    portion: ClassVar[int] = 1

    def __init__(
        self, photos: Photos, strength: float = 1.0, largest: int | None = None, provenance: Mapping[str, str] | None = None
    ) -> None:
        """Set up a processor.

        Args:
            photos: The model and the detector.
            strength: Strength of the transfer; 0 copies the files.
            largest: How many subjects of each scene are changed, the largest first; None: all.
            provenance: What is written into the results' comments; None: nothing.

        Raises:
            AttrxferError: PyAV is not installed.
        """
        require_pyav()
        self.photos = photos
        self.strength = strength
        self.largest = largest
        self.provenance = provenance

    def accepts(self, path: Path) -> bool:
        """Videos, by suffix."""
        return is_video(path)

    def process(self, tasks: Iterable[LocalTask], on_steps: OnSteps = ignore_steps) -> Generator[Answer]:
        """Transfer videos, two steps a frame; see ``FileProcessor.process``."""
        for task in tasks:
            yield attempt(task.source, functools.partial(self._process, task, on_steps))

    def _process(self, task: LocalTask, on_steps: OnSteps) -> Written | None:
        """Transfer a video; None where it is to be copied.

        Raises:
            Skipped: No subject is in it.
            DataError: The file is broken.
        """
        if self.strength == 0:
            return None
        progress = functools.partial(on_steps, task.source)
        result = transfer_video(
            self.photos,
            task.source,
            task.target,
            self.strength,
            largest=self.largest,
            provenance=self.provenance,
            copy=False,
            progress=progress,
        )
        if not result.changed:
            raise Skipped(f"{task.source}: no {self.photos.subject} found")
        return Written(result.subjects, (), result.notes, result.frames, result.seconds)
