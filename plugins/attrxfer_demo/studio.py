"""Transfers a photo at any strength. Detection and networks run once for each photo and bundle; a new strength only blends."""

from __future__ import annotations

import functools
import hashlib
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from attrxfer.errors import DataError
from attrxfer.media.detection import count
from attrxfer.media.images import frame, open_rgb, save_image
from attrxfer.media.input_notes import check_inputs, notes_on
from attrxfer.media.photos.photo import MIN_SIDE, PhotoCrops
from attrxfer.media.photos.photo_file import read_photo
from attrxfer.media.processors import CROP
from attrxfer.media.provenance import provenance_of, xmp_packet
from attrxfer.media.whole_images import reach_of, transfer_whole
from attrxfer_demo.offer import Offer

VIEW = 1024
"""Longer side in pixels at which the page shows larger photos; downloads have the photo's own size."""
AS_CROP = "Take the image as one crop"
NOTHING_WANTED = "Every attribute stays as it is: move one of the sliders."
REMEMBERED = 4
"""Photos that are kept in memory with their results."""


class Key(NamedTuple):
    """A photo with one of the offers.

    Attributes:
        path: The photo.
        offer: Number of the offer.
        crop: The photo is taken as one crop.
        wanted: Of a model for many attributes: what results should have.
    """

    path: str
    offer: int
    crop: bool
    wanted: tuple[tuple[str, bool], ...] = ()


@dataclass(frozen=True)
class PhotoView:
    """What was detected in a photo.

    Attributes:
        key: Names the photo in further calls; None when there is nothing to change.
        message: The message for the user.
        faceless: The detector found no subject; taking the image as a crop may help.
        middle: x of the largest subject's middle, in percent of the width.
    """

    key: Key | None
    message: str
    faceless: bool = False
    middle: float = 50


class Ready:
    """A photo whose subjects are detected, cut and transferred.

    Attributes:
        crops: uint8 (N, S, S, 3); (1, H, W, 3) for a model that transfers whole images.
        file: The photo; None where the whole image is one crop.
        photo_crops: Where the crops lie in the photo; None where the whole image is one crop, or is transferred whole.
        results: From a strength to the transferred crops.
    """

    def __init__(self, path: Path, offer: Offer, *, crop: bool) -> None:
        self.offer, self.path = offer, path
        self.file, self.photo_crops = None, None
        transfer, reach = offer.transfer, reach_of(offer.transfer)
        if reach is not None:
            self.file = read_photo(path)
            self.crops = self.file.pixels[None]
        elif crop or offer.photos is None:
            self.crops = np.stack([frame(open_rgb(path), transfer.framing, transfer.size)])
        else:
            self.file = read_photo(path)
            self.photo_crops = offer.photos.extract(self.file.pixels, offer.photos.detect(self.file.pixels))
            self.crops = self.photo_crops.crops
        self._view = _reduced(self.photo_crops) if self.photo_crops else None
        self.results = transfer.at_any_strength(self.crops) if reach is None else self._whole(reach)

    def _whole(self, reach: int) -> Callable[[float], NDArray[np.uint8]]:
        return lambda strength: transfer_whole(self.offer.transfer, self.crops[0], reach, strength)[None]

    @property
    def before(self) -> NDArray[np.uint8]:
        """The photo as the page shows it."""
        return self._view.image if self._view else self.crops[0]

    def after(self, strength: float) -> NDArray[np.uint8]:
        """The photo at a strength, as the page shows it."""
        return self._at(strength, self._view)

    def save(self, strength: float, path: Path) -> Path:
        """Write the result at the photo's own size (of a crop: at the bundle's), as ``attrxfer transfer`` does: in the photo's
        format, with its metadata, and saying how it was made."""
        provenance = provenance_of(self.offer.transfer, strength)
        if strength == 0 and self.file is not None:
            shutil.copyfile(self.path, path)
        elif self.file is not None:
            path.write_bytes(self.file.encoded(self._at(strength, self.photo_crops), provenance))
        else:
            save_image(path, self._at(strength, None), xmp_packet(provenance) if strength else None)
        return path if path.exists() else path.with_suffix(".png")  # formats that Pillow reads but does not write

    def _at(self, strength: float, crops: PhotoCrops | None) -> NDArray[np.uint8]:
        results = self.results(strength)
        if crops is None:
            return results[0]
        assert self.offer.photos is not None
        return self.offer.photos.paste(crops, results).image


def _reduced(crops: PhotoCrops) -> PhotoCrops:
    """The same crops in a photo reduced to ``VIEW`` pixels."""
    height, width = crops.image.shape[:2]
    scale = VIEW / max(height, width)
    if scale >= 1:
        return crops
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = np.asarray(Image.fromarray(crops.image).resize(size, Image.Resampling.LANCZOS, reducing_gap=3))
    similarities = tuple(replace(each, rotation=each.rotation * width / size[0]) for each in crops.similarities)
    return replace(crops, image=small, points=crops.points * np.float32(scale), similarities=similarities)


class Studio:
    """The actions of the page's controls.

    Args:
        offers: The models.
        folder: Where the images that are shown and downloaded are written.
    """

    def __init__(self, offers: Sequence[Offer], folder: Path) -> None:
        self.offers = tuple(offers)
        self.folder = folder
        self._lock = threading.Lock()
        self._ready = functools.lru_cache(maxsize=REMEMBERED)(self._prepare)

    def look(self, path: str, offer: int, *, crop: bool, wanted: Mapping[str, bool] | None = None) -> PhotoView:
        """Detect and transfer the subjects of a photo, or transfer it as one crop. ``wanted``: what a model for many
        attributes makes of it."""
        if self.offers[offer].transfer.can_change and not wanted:
            return PhotoView(None, NOTHING_WANTED)
        key = Key(path, offer, crop or self.offers[offer].photos is None, tuple((wanted or {}).items()))
        try:
            with self._lock:
                ready = self._ready(key)
        except DataError as error:
            return PhotoView(None, f"{Path(path).name}: {str(error).removeprefix(f'{path}: ')}.")
        chosen = self.offers[offer]
        subject = chosen.photos.subject if ready.photo_crops and chosen.photos else CROP
        notes = [*(ready.file.notes if ready.file else ()), *notes_on(check_inputs(chosen.transfer, ready.crops), subject)]
        what = " ".join([describe(ready.photo_crops, self.offers[offer]), *(f"{note[0].upper()}{note[1:]}." for note in notes)])
        if ready.photo_crops is None:
            return PhotoView(key, what)
        if not ready.photo_crops.similarities:
            return PhotoView(None, what, faceless=not len(ready.photo_crops.points))
        left, _, right, _ = ready.photo_crops.boxes()[0]
        return PhotoView(key, what, middle=50 * (left + right) / ready.photo_crops.image.shape[1])

    def show(self, key: Key, strength: float) -> tuple[Path, Path]:
        """Write the photo before and after the transfer, as the page shows them.

        Raises:
            DataError: The photo no longer exists.
        """
        with self._lock:
            ready = self._ready(key)
            folder = self._folder(key)
            before = _view(folder / "before.jpg", lambda: ready.before)
            after = _view(folder / f"{strength:g}.jpg", lambda: ready.after(strength))
        return before, after

    def save(self, key: Key, strength: float) -> Path:
        """Write the file to download.

        Raises:
            DataError: The photo no longer exists.
        """
        with self._lock:
            ready = self._ready(key)
        task = self.offers[key.offer].transfer.metadata["task"]["name"]
        return ready.save(strength, self._folder(key) / f"{ready.path.stem}-{task}-{strength:g}{ready.path.suffix}")

    def command(self, key: Key, strength: float) -> str:
        """The command that transfers this photo in the same way."""
        offer = self.offers[key.offer]
        return offer.command(Path(key.path).name, strength, crop=key.crop, wanted=dict(key.wanted))

    def sample(self, offer: int, number: int) -> Path:
        """Write the source of a run's sample into a file."""
        source, _ = self.offers[offer].samples[number]
        folder = self.folder / f"samples-{offer}"
        folder.mkdir(parents=True, exist_ok=True)
        return _view(folder / f"{self.offers[offer].transfer.metadata['task']['name']}-sample-{number + 1}.png", lambda: source)

    def _folder(self, key: Key) -> Path:
        folder = self.folder / hashlib.sha256(repr(key).encode()).hexdigest()[:16]
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _prepare(self, key: Key) -> Ready:
        offer = self.offers[key.offer]
        return Ready(Path(key.path), offer.changing(dict(key.wanted)) if key.wanted else offer, crop=key.crop)


def describe(crops: PhotoCrops | None, offer: Offer) -> str:
    """What was detected in a photo, for its reader."""
    if reach_of(offer.transfer) is not None:
        return "The whole image is transferred, at its own size."
    if crops is None or offer.photos is None:
        return f"The image is taken as one crop; its result has {offer.transfer.size} pixels a side."
    found, large, subject = len(crops.points), len(crops.similarities), offer.photos.subject
    if not found:
        return (
            f"No {subject} found in this image, so nothing is changed. "
            f"If it is a crop that shows a {subject} as the training images do, tick “{AS_CROP}”."
        )
    if found == 1:
        return f"1 {subject} found." if large else f"1 {subject} found, smaller than {MIN_SIDE} pixels: it is left as it is."
    rest = f"{found - large} smaller than {MIN_SIDE} pixels are left as they are" if found > large else "all are changed"
    return f"{count(found, subject)} found; {rest}."


def _view(path: Path, make: Callable[[], NDArray[np.uint8]]) -> Path:
    """Write an image if the file does not exist. JPEG takes a tenth of PNG's time and looks the same at this quality."""
    if not path.exists():
        Image.fromarray(make()).save(path, quality=97, subsampling=0)
    return path
