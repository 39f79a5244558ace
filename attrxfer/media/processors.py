"""The two ways to transfer image files: whole photos, and crops framed as the training images were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from attrxfer.interfaces import Framing
from attrxfer.media.batch import Result, Skipped
from attrxfer.media.images import frame, open_rgb, save_image
from attrxfer.media.photos import Photos
from attrxfer.media.photos.files import PhotoFile, Unsuited, read
from attrxfer.media.photos.photo import SMALLEST, Cut
from attrxfer.media.provenance import packet
from attrxfer.storage.files import write_bytes

Said = Mapping[str, str] | None
"""See ``photos.provenance.statement``; None: nothing."""


class Framed(Protocol):
    """What crops need of a transfer: a loaded bundle or an exported file."""

    size: int
    framing: Framing | None

    def images(self, uint8: NDArray[np.uint8], strength: float = 1.0) -> NDArray[np.uint8]: ...


class Found(NamedTuple):
    """A photo with its subjects cut out, and what became of these (F, S, S, 3)."""

    file: PhotoFile
    cut: Cut
    results: NDArray[np.uint8] | None = None


class WholePhotos:
    """Finds the subjects of each photo and writes the same photo with them transferred.

    count: how many of them, the largest first; None for all. said: what goes into the results' metadata.
    """

    batch_size = 1

    def __init__(self, photos: Photos, strength: float = 1.0, count: int | None = None, said: Said = None) -> None:
        self.photos = photos
        self.strength = strength
        self.count = count
        self.said = said

    def read(self, path: Path) -> Found | None:
        """Raises Left where there is no subject large enough, and for files of several frames."""
        try:
            file = read(path)
        except Unsuited as error:
            raise Skipped(str(error)) from None
        if self.strength == 0:
            return None
        points = self.photos.detect(file.pixels)
        if not len(points):
            raise Skipped(f"{path}: no face found")
        found = Found(file, self.photos.cut(file.pixels, points[: self.count]))
        if not found.cut.places:
            raise Skipped(f"{path}: no face larger than {SMALLEST} pixels")
        return found

    def change(self, items: Sequence[Found]) -> Sequence[Found]:
        crops = np.concatenate([item.cut.crops for item in items])
        results = self.photos.transfer.images(crops, self.strength)
        ends = np.cumsum([len(item.cut.crops) for item in items])[:-1]
        return [item._replace(results=part) for item, part in zip(items, np.split(results, ends), strict=True)]

    def write(self, path: Path, item: Found) -> Result:
        assert item.results is not None
        write_bytes(path, item.file.encoded(self.photos.paste(item.cut, item.results).image, self.said))
        small = [f"{item.cut.small} faces below {SMALLEST} pixels left as they are"] if item.cut.small else []
        return Result(item.cut.boxes(), [*item.file.notes, *small])


class Crops:
    """Frames each image as the training images were and writes it at the bundle's size, in its own format. At strength
    0 a file that needs no framing is copied byte for byte. said: what goes into the results' metadata."""

    batch_size = 32

    def __init__(self, transfer: Framed, strength: float = 1.0, said: Said = None) -> None:
        self.transfer = transfer
        self.strength = strength
        self.xmp = packet(said) if said is not None and strength else None

    def read(self, path: Path) -> NDArray[np.uint8] | None:
        image = open_rgb(path)
        size = self.transfer.size
        if self.strength == 0 and image.size == (size, size):
            return None
        return frame(image, self.transfer.framing, size)

    def change(self, items: Sequence[NDArray[np.uint8]]) -> Sequence[NDArray[np.uint8]]:
        return list(self.transfer.images(np.stack(items), self.strength))

    def write(self, path: Path, item: NDArray[np.uint8]) -> Result:
        save_image(path, item, self.xmp)
        return Result()
