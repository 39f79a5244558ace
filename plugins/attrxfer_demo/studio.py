"""Transfers a photo at any strength. Detection runs once for each photo, networks once for each photo and model; a new strength
or another choice of subjects only blends."""

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
from attrxfer.media.photos.photo_file import PhotoFile, read_photo
from attrxfer.media.processors import CROP
from attrxfer.media.provenance import provenance_of, xmp_packet
from attrxfer.media.whole_images import reach_of, transfer_whole
from attrxfer_demo.boxes import NumberedBox, changed_part, draw_boxes, numbered_boxes
from attrxfer_demo.offer import Offer

VIEW = 1024
"""Longer side in pixels at which the page shows larger photos; downloads have the photo's own size."""
AS_CROP = "Take the image as one crop"
NOTHING_WANTED = "Every attribute stays as it is: move one of the sliders."
PHOTOS = 4
"""Photos that are kept in memory as they were read, with what was detected in them."""
LONGEST_SUFFIX = 20
"""Characters of the numbers in a file's name, at most: a name has room for 255 bytes, and gradio keeps 200 of a photo's own."""
REMEMBERED = 3
"""Photos that are kept in memory with their results, besides one for each model."""


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
        found: What was found, for the user.
        notes: What the user should know besides, in sentences.
        faceless: The detector found no subject; taking the image as a crop may help.
        middle: x of the middle of the largest subject that is changed, in percent of the width.
        boxes: Where the subjects that can be chosen are in the photo as it is shown.
    """

    key: Key | None
    found: str
    notes: tuple[str, ...] = ()
    faceless: bool = False
    middle: float = 50
    boxes: tuple[NumberedBox, ...] = ()

    @property
    def message(self) -> str:
        """The message for the user."""
        return " ".join([self.found, *self.notes])


class Detected(NamedTuple):
    """A photo and the points (F, P, 2) of its subjects, the largest first."""

    file: PhotoFile
    points: NDArray[np.float32]


class Ready:
    """A photo whose subjects are detected, cut and transferred.

    Attributes:
        crops: uint8 (N, S, S, 3); (1, H, W, 3) for a model that transfers whole images.
        file: The photo; None where the whole image is one crop.
        photo_crops: Where the crops lie in the photo; None where the whole image is one crop, or is transferred whole.
        view: The same in the photo as the page shows it.
        results: From a strength to the transferred crops.
    """

    def __init__(
        self, path: Path, offer: Offer, *, crop: bool, detect: Callable[[Path, Offer], Detected] | None = None
    ) -> None:
        self.offer, self.path = offer, path
        self.file, self.photo_crops = None, None
        transfer, reach = offer.transfer, reach_of(offer.transfer)
        if reach is not None:
            self.file = read_photo(path)
            self.crops = self.file.pixels[None]
        elif crop or offer.photos is None:
            self.crops = np.stack([frame(open_rgb(path), transfer.framing, transfer.size)])
        else:
            self.file, points = (detect or detected)(path, offer)
            self.photo_crops = offer.photos.extract(self.file.pixels, points)
            self.crops = self.photo_crops.crops
        self.view = _reduced(self.photo_crops) if self.photo_crops else None
        self.results = transfer.at_any_strength(self.crops) if reach is None else self._whole(reach)

    def _whole(self, reach: int) -> Callable[[float], NDArray[np.uint8]]:
        return lambda strength: transfer_whole(self.offer.transfer, self.crops[0], reach, strength)[None]

    @property
    def before(self) -> NDArray[np.uint8]:
        """The photo as the page shows it."""
        return self.view.image if self.view else self.crops[0]

    def after(self, strength: float, numbers: Sequence[int] | None = None) -> NDArray[np.uint8]:
        """The photo at a strength, as the page shows it; ``numbers``: of the subjects that are changed, None: all."""
        return self._at(strength, self.view, numbers)

    def save(self, strength: float, path: Path, numbers: Sequence[int] | None = None) -> Path:
        """Write the result at the photo's own size (of a crop: at the bundle's), as ``attrxfer transfer`` does: in the photo's
        format, with its metadata, and saying how it was made."""
        provenance = provenance_of(self.offer.transfer, strength)
        if strength == 0 and self.file is not None:
            shutil.copyfile(self.path, path)
        elif self.file is not None:
            path.write_bytes(self.file.encoded(self._at(strength, self.photo_crops, numbers), provenance))
        else:
            save_image(path, self._at(strength, None), xmp_packet(provenance) if strength else None)
        return path

    def _at(self, strength: float, crops: PhotoCrops | None, numbers: Sequence[int] | None = None) -> NDArray[np.uint8]:
        results = self.results(strength)
        if crops is None:
            return results[0]
        assert self.offer.photos is not None
        if numbers is not None:
            chosen = np.isin(crops.numbers, numbers)
            crops, results = crops.only(chosen), results[chosen]
        return self.offer.photos.paste(crops, results).image


def detected(path: Path, offer: Offer) -> Detected:
    """Read a photo and detect its subjects."""
    assert offer.photos is not None
    file = read_photo(path)
    return Detected(file, offer.photos.detect(file.pixels))


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
        offers: The models; all detect alike.
        folder: Where the images that are shown and downloaded are written.
    """

    def __init__(self, offers: Sequence[Offer], folder: Path) -> None:
        self.offers = tuple(offers)
        self.folder = folder
        self._lock = threading.Lock()
        self._detected: dict[Path, Detected] = {}
        self._ready = functools.lru_cache(maxsize=len(self.offers) + REMEMBERED)(self._prepare)

    def look(
        self,
        path: str,
        offer: int,
        *,
        crop: bool,
        wanted: Mapping[str, bool] | None = None,
        numbers: Sequence[int] | None = None,
    ) -> PhotoView:
        """Detect and transfer the subjects of a photo, or transfer it as one crop.

        Args:
            path: The photo.
            offer: Number of the offer.
            crop: Take the photo as one crop.
            wanted: What a model for many attributes makes of it.
            numbers: Of the subjects that are changed; None: all. Only the message and ``middle`` depend on it.
        """
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
        what = describe(ready.photo_crops, chosen, numbers), tuple(f"{note[0].upper()}{note[1:]}." for note in notes)
        if ready.photo_crops is None or ready.view is None:
            return PhotoView(key, *what)
        if not ready.photo_crops.similarities:
            return PhotoView(None, *what, faceless=not len(ready.photo_crops.points))
        changed = dict(zip(ready.photo_crops.numbers, ready.photo_crops.boxes(), strict=True))
        left, _, right, _ = next((box for number, box in changed.items() if number in (numbers or changed)), (0, 0, 0, 0))
        middle = 50 * (left + right) / ready.photo_crops.image.shape[1]
        return PhotoView(key, *what, middle=middle, boxes=numbered_boxes(ready.view))

    def boxes(self, key: Key) -> tuple[NumberedBox, ...]:
        """The boxes of the subjects that can be chosen in a photo."""
        with self._lock:
            ready = self._ready(key)
        return numbered_boxes(ready.view) if ready.view else ()

    def marked(self, key: Key, numbers: Sequence[int] | None = None) -> Path:
        """Write the photo with its subjects' boxes; ``numbers``: of those that are chosen, None: all."""
        boxes = self.boxes(key)
        chosen = {each.number for each in boxes} if numbers is None else set(numbers)
        with self._lock:
            ready = self._ready(key)
            return view(self._folder(key) / f"{_suffix(numbers)}marked.jpg", lambda: draw_boxes(ready.before, boxes, chosen))

    def show(self, key: Key, strength: float, numbers: Sequence[int] | None = None) -> tuple[Path, Path]:
        """Write the photo before and after the transfer, as the page shows them.

        Args:
            key: The photo.
            strength: Strength of the transfer.
            numbers: Of the subjects that are changed; None: all.

        Raises:
            DataError: The photo no longer exists.
        """
        with self._lock:
            ready = self._ready(key)
            folder = self._folder(key)
            before = view(folder / "before.jpg", lambda: ready.before)
            after = view(folder / f"{_suffix(numbers)}{strength:g}.jpg", lambda: ready.after(strength, numbers))
        return before, after

    def close_up(self, key: Key, strength: float | None) -> Path:
        """Write the part of the photo that is changed, as the page shows it.

        Args:
            key: The photo.
            strength: Strength of the transfer; None: as it was before.

        Raises:
            DataError: The photo no longer exists.
        """
        with self._lock:
            ready = self._ready(key)
            part = changed_part(ready.view) if ready.view else np.s_[:, :]
            if strength is None:
                return view(self._folder(key) / "near-before.jpg", lambda: ready.before[part])
            return view(self._folder(key) / f"near-{strength:g}.jpg", lambda: ready.after(strength)[part])

    def save(self, key: Key, strength: float, numbers: Sequence[int] | None = None, into: Path | None = None) -> Path:
        """Write the file to download.

        Args:
            key: The photo.
            strength: Strength of the transfer.
            numbers: Of the subjects that are changed; None: all.
            into: The folder of the file; None: that of the photo's other files.

        Raises:
            DataError: The photo no longer exists.
        """
        with self._lock:
            ready = self._ready(key)
        name = f"{ready.path.stem}-{self.offers[key.offer].name}-{_suffix(numbers)}{strength:g}{ready.path.suffix}"
        folder = into or self._folder(key)
        folder.mkdir(parents=True, exist_ok=True)
        return ready.save(strength, folder / name, numbers)

    def command(self, key: Key, strength: float, numbers: Sequence[int] | None = None, out: str = "out") -> str:
        """The command that transfers this photo in the same way."""
        return self.offers[key.offer].command(
            [Path(key.path).name], strength, crop=key.crop, wanted=dict(key.wanted), numbers=numbers, out=out
        )

    def _folder(self, key: Key) -> Path:
        folder = self.folder / hashlib.sha256(repr(key).encode()).hexdigest()[:16]
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _prepare(self, key: Key) -> Ready:
        offer = self.offers[key.offer]
        chosen = offer.changing(dict(key.wanted)) if key.wanted else offer
        return Ready(Path(key.path), chosen, crop=key.crop, detect=self._detect)

    def _detect(self, path: Path, offer: Offer) -> Detected:
        """What was detected in a photo, once for all models."""
        if path not in self._detected:
            while len(self._detected) >= PHOTOS:
                del self._detected[next(iter(self._detected))]
            self._detected[path] = detected(path, offer)
        return self._detected[path]


def _suffix(numbers: Sequence[int] | None) -> str:
    """The part of a file's name that says which subjects were changed; where they are many, a hash of their numbers."""
    if numbers is None:
        return ""
    said = "+".join(map(str, numbers))
    return f"{said if len(said) <= LONGEST_SUFFIX else hashlib.sha256(said.encode()).hexdigest()[:8]}-"


def describe(crops: PhotoCrops | None, offer: Offer, numbers: Sequence[int] | None = None) -> str:
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
    changed = large if numbers is None else len(set(numbers) & set(crops.numbers))
    said = "all are changed" if changed == found else f"{changed} {'is' if changed == 1 else 'are'} changed"
    small = f" {found - large} smaller than {MIN_SIDE} pixels left as {'it is' if found - large == 1 else 'they are'}."
    return f"{count(found, subject)} found; {said}." + (small if found > large else "")


def view(path: Path, make: Callable[[], NDArray[np.uint8]]) -> Path:
    """Write an image if the file does not exist. JPEG takes a tenth of PNG's time and looks the same at this quality."""
    if not path.exists():
        Image.fromarray(make()).save(path, quality=97, subsampling=0)
    return path
