"""The processors of image files: whole photos, and crops framed as the training images were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from attrxfer.errors import DataError
from attrxfer.interfaces import Model
from attrxfer.media.batch import Skipped, Written
from attrxfer.media.detection import count
from attrxfer.media.images import frame, open_rgb, opened, save_image, written_format
from attrxfer.media.input_notes import check_inputs, left_out_note, notes_on, without_attributes
from attrxfer.media.photos import Photos
from attrxfer.media.photos.photo import MIN_SIDE, PhotoCrops
from attrxfer.media.photos.photo_file import PhotoFile, read_photo
from attrxfer.media.provenance import xmp_packet
from attrxfer.media.read_ahead import BatchedProcessor
from attrxfer.media.video.reader import is_video
from attrxfer.storage.files import write_bytes

CROP = "crop"
"""What is counted where nothing is detected."""


class PhotoItem(NamedTuple):
    """A photo on its way.

    Attributes:
        file: The file as it was read.
        crops: The crops of its subjects, N of them.
        notes: What the model knows of the crops, in words.
        results: What the model made of the crops, uint8 (N, S, S, 3); None before.
        too_small: How many subjects were to be changed too, but are too small.
    """

    file: PhotoFile
    crops: PhotoCrops
    notes: tuple[str, ...] = ()
    results: NDArray[np.uint8] | None = None
    too_small: int = 0


class CropItem(NamedTuple):
    """A crop on its way.

    Attributes:
        image: uint8 (S, S, 3); the crop, then the result.
        notes: What the model knows of the crop, in words.
    """

    image: NDArray[np.uint8]
    notes: tuple[str, ...] = ()


class PhotoProcessor(BatchedProcessor[PhotoItem]):
    """Detects the subjects of each photo and writes the same photo with them transferred."""

    batch_size = 1

    def __init__(
        self,
        photos: Photos,
        strength: float = 1.0,
        largest: int | None = None,
        provenance: Mapping[str, str] | None = None,
        *,
        numbers: Sequence[int] = (),
        only_without: bool = False,
    ) -> None:
        """Set up a processor.

        Args:
            photos: The model and the detector.
            strength: Strength of the transfer; 0 copies the files.
            largest: How many subjects of a photo are changed, the largest first; None: all.
            provenance: What is written into the results' metadata; None: nothing.
            numbers: The numbers of the subjects that are changed, 1 for a photo's largest; empty: ``largest`` counts.
            only_without: Leave subjects alone that seem to have the attribute already.
        """
        self.photos = photos
        self.strength = strength
        self.largest = largest
        self.numbers = numbers
        self.provenance = provenance
        self.only_without = only_without

    def accepts(self, path: Path) -> bool:
        """Every file that is no video: what is no image either is broken."""
        return not is_video(path)

    def read(self, path: Path) -> PhotoItem | None:
        """Read a photo and detect its subjects; None at strength 0.

        Raises:
            Skipped: There is no subject that is large enough and is not to be left alone, or the file has several frames.
            DataError: The file is broken.
        """
        file = read_photo(path)
        if self.strength == 0:
            return None
        points = self.photos.detect(file.pixels)
        if not len(points):
            raise Skipped(f"{path}: no {self.photos.subject} found")
        if max(self.numbers, default=0) > len(points):
            raise Skipped(f"{path}: {count(len(points), self.photos.subject)} found, no number {max(self.numbers)}")
        chosen = self.numbers or range(1, len(points) + 1)[: self.largest]
        crops = self.photos.extract(file.pixels, points)
        crops = crops.only(np.isin(crops.numbers, chosen))
        if not crops.similarities:
            raise Skipped(f"{path}: no {self.photos.subject} larger than {MIN_SIDE} pixels")
        small = len(set(chosen).intersection(crops.too_small))
        return self._checked(path, PhotoItem(file, crops, too_small=small))

    def weight(self, path: Path) -> int:
        """A photo's pixels, by the beginning of its file."""
        try:
            with opened(path) as image:
                return image.width * image.height
        except DataError:
            return 0

    def _checked(self, path: Path, item: PhotoItem) -> PhotoItem:
        """The item with what the model knows of its crops, and without those to be left alone."""
        check, subject, left_out = check_inputs(self.photos.model, item.crops.crops), self.photos.subject, []
        if self.only_without:
            chosen = without_attributes(check)
            if not chosen.any():
                raise Skipped(f"{path}: {left_out_note(len(chosen), subject)}")
            if not chosen.all():
                left_out = [left_out_note(int((~chosen).sum()), subject)]
            item, check = item._replace(crops=item.crops.only(chosen)), check.only(chosen)
        return item._replace(notes=(*left_out, *notes_on(check, subject)))

    def transfer(self, items: Sequence[PhotoItem]) -> Sequence[PhotoItem]:
        """Transfer the crops of some photos in one batch."""
        crops = np.concatenate([item.crops.crops for item in items])
        results = self.photos.model.images(crops, self.strength)
        ends = np.cumsum([len(item.crops.crops) for item in items])[:-1]
        return [item._replace(results=part) for item, part in zip(items, np.split(results, ends), strict=True)]

    def write(self, path: Path, item: PhotoItem) -> Written:
        """Put the results back and write the photo in its own format."""
        assert item.results is not None
        write_bytes(path, item.file.encoded(self.photos.paste(item.crops, item.results).image, self.provenance))
        notes = [*item.file.notes, *item.notes]
        if item.too_small:
            notes.append(f"{count(item.too_small, self.photos.subject)} below {MIN_SIDE} pixels left as they are")
        boxes = item.crops.boxes()
        return Written(len(boxes), boxes, notes)


class CropProcessor(BatchedProcessor[CropItem]):
    """Frames each image as the training images were and writes the result at the model's size, in the file's own format."""

    batch_size = 32
    portion = 4 * batch_size

    def __init__(
        self,
        model: Model,
        strength: float = 1.0,
        provenance: Mapping[str, str] | None = None,
        *,
        only_without: bool = False,
    ) -> None:
        """Set up a processor.

        Args:
            model: The model.
            strength: Strength of the transfer. At 0, files that need no framing are copied byte for byte.
            provenance: What is written into the results' metadata; None: nothing.
            only_without: Leave images alone that seem to have the attribute already.
        """
        self.model = model
        self.strength = strength
        self.only_without = only_without
        self.xmp = xmp_packet(provenance) if provenance is not None and strength else None

    def accepts(self, path: Path) -> bool:
        """Every file that is no video: what is no image either is broken."""
        return not is_video(path)

    def read(self, path: Path) -> CropItem | None:
        """Read and frame an image.

        Raises:
            Skipped: It seems to have the attribute, and is to be left alone.
            DataError: The file is broken, or of a format that cannot be written.
        """
        image = open_rgb(path)
        size = self.model.size
        if self.strength == 0 and image.size == (size, size):
            return None
        written_format(path)
        crop = frame(image, self.model.framing, size)
        check = check_inputs(self.model, crop[None])
        if self.only_without and not without_attributes(check).all():
            raise Skipped(f"{path}: {left_out_note(1, CROP)}")
        return CropItem(crop, tuple(notes_on(check, CROP)))

    def transfer(self, items: Sequence[CropItem]) -> Sequence[CropItem]:
        """Transfer crops in one batch."""
        results = self.model.images(np.stack([item.image for item in items]), self.strength)
        return [item._replace(image=result) for item, result in zip(items, results, strict=True)]

    def write(self, path: Path, item: CropItem) -> Written:
        """Write a result in the file's own format."""
        save_image(path, item.image, self.xmp)
        return Written(notes=item.notes)
