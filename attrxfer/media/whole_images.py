"""Image files transferred whole, at their own size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from attrxfer.interfaces import Model, TransfersWholeImages
from attrxfer.media.batch import Written
from attrxfer.media.photos.photo_file import PhotoFile, read_photo
from attrxfer.media.read_ahead import BatchedProcessor
from attrxfer.media.tiles import MOST, in_tiles
from attrxfer.media.video.reader import is_video
from attrxfer.storage.files import write_bytes

IMAGE = "image"
"""What is counted where whole images are transferred."""


def reach_of(model: Model) -> int | None:
    """How far in pixels a result depends on the image, for a model that transfers whole images; else None."""
    return model.reach if isinstance(model, TransfersWholeImages) else None


def transfer_whole(model: Model, image: NDArray[np.uint8], reach: int, strength: float) -> NDArray[np.uint8]:
    """What a model makes of a whole image uint8 (H, W, 3), in tiles."""
    return in_tiles(lambda tile: model.images(tile, strength), image, reach)


class WholeImage(NamedTuple):
    """An image on its way.

    Attributes:
        file: The file as it was read.
        result: uint8 (H, W, 3); None before.
    """

    file: PhotoFile
    result: NDArray[np.uint8] | None = None


class WholeImageProcessor(BatchedProcessor[WholeImage]):
    """Transfers each image at its own size and writes it in its own format, with its metadata."""

    batch_size = 1

    def __init__(self, model: Model, reach: int, strength: float = 1.0, provenance: Mapping[str, str] | None = None) -> None:
        """Set up a processor.

        Args:
            model: The model.
            reach: How far in pixels its result depends on the image.
            strength: Strength of the transfer; 0 copies the files.
            provenance: What is written into the results' metadata; None: nothing.
        """
        self.model = model
        self.reach = reach
        self.strength = strength
        self.provenance = provenance

    def accepts(self, path: Path) -> bool:
        """Every file that is no video: what is no image either is broken."""
        return not is_video(path)

    def read(self, path: Path) -> WholeImage | None:
        """Read an image; None at strength 0.

        Raises:
            Skipped: The file has several frames.
            DataError: The file is broken.
        """
        file = read_photo(path)
        return WholeImage(file) if self.strength else None

    def transfer(self, items: Sequence[WholeImage]) -> Sequence[WholeImage]:
        """Transfer images, one after the other."""
        return [item._replace(result=self._transferred(item.file.pixels)) for item in items]

    def write(self, path: Path, item: WholeImage) -> Written:
        """Write the image in its own format."""
        assert item.result is not None
        write_bytes(path, item.file.encoded(item.result, self.provenance))
        notes = [*item.file.notes]
        if self.reach >= MOST:
            notes.append(f"the network looks farther than {MOST} pixels: in large images, parts may differ in tone")
        return Written(notes=notes)

    def _transferred(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return transfer_whole(self.model, image, self.reach, self.strength)
