"""A video transferred, as ``attrxfer transfer`` does."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from attrxfer.errors import DataError
from attrxfer.media.provenance import provenance_of
from attrxfer.media.video import VideoResult, transfer_video
from attrxfer.media.video.reader import VideoReader
from attrxfer_demo.guard import LONGEST_JOB, LONGEST_VIDEO
from attrxfer_demo.offer import Offer
from attrxfer_demo.steps import Steps


@dataclass(frozen=True)
class Progress:
    """How far a video is.

    Attributes:
        share: In 0..1.
        left: Seconds that it will take still, at the speed so far.
    """

    share: float
    left: float


def seconds_of(path: Path) -> float:
    """Length of a video in seconds, by its file; 0 where that does not say.

    Raises:
        DataError: It is no video.
        AttrxferError: PyAV is not installed.
    """
    with VideoReader(path) as reader:
        return float(reader.expected_frames / reader.frame_rate)


def check_length(path: Path) -> None:
    """Refuse a video that is too long for the page.

    Raises:
        DataError: It is, or it is no video.
    """
    seconds = seconds_of(path)
    if seconds > LONGEST_VIDEO + 1:
        raise DataError(
            f"{path}: takes {seconds:.0f} seconds, and the page takes {LONGEST_VIDEO} at most: use the command below"
        )


def change_video(offer: Offer, path: Path, strength: float, folder: Path) -> Steps[Progress | VideoResult]:
    """Transfer a video; steps say how far it is, and the last is the result. What a stopped job left is deleted.

    Args:
        offer: The model, for photos.
        path: The video.
        strength: Strength of the transfer.
        folder: Where the result is written.
    """

    def work(tell: Callable[[Progress | VideoResult], None]) -> None:
        assert offer.photos is not None
        own = Path(tempfile.mkdtemp(dir=folder))
        began = time.monotonic()

        def progress(done: int, total: int) -> None:
            taken = time.monotonic() - began
            if taken > LONGEST_JOB:
                raise DataError(f"{path}: takes more than {LONGEST_JOB // 60} minutes here: use the command below")
            tell(Progress(done / total, taken / done * (total - done)))

        try:
            name = f"{path.stem}-{offer.name}-{strength:g}{path.suffix}"
            provenance = provenance_of(offer.transfer, strength)
            tell(transfer_video(offer.photos, path, own / name, strength, provenance=provenance, progress=progress))
        except BaseException:
            shutil.rmtree(own, ignore_errors=True)
            raise

    return Steps(work)
