"""The data set ``pictures``."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, ClassVar, NamedTuple

import numpy as np
import skimage
from numpy.typing import NDArray
from pydantic import Field

from attrxfer.errors import DataError
from attrxfer.interfaces import Broken, Records
from attrxfer.media.images import open_rgb
from attrxfer_quality.alterations import ALTERATIONS, MARGIN, Name, Values

FOLDER = Path(skimage.__file__).parent / "data"
PICTURES = (
    ("brick.png", "camera.png", "coffee.png", "grass.png", "gravel.png", "hubble_deep_field.jpg", "ihc.png", "moon.png",
     "motorcycle_left.png", "retina.jpg"),
    ("coins.png", "text.png"),
    ("chelsea.png", "page.png", "rocket.jpg"),
)  # fmt: skip
"""Of training, validation and test. All of them come inside scikit-image's package and are free of copyright; no picture of a
person is among them but a distant one."""
SHARES = (0.8, 0.1, 0.1)


class Patch(NamedTuple):
    """Where an image is from.

    Attributes:
        picture: Index into all pictures.
        x: Place of its middle in its half of the picture, 0..1.
        y: Place of its middle in the picture, 0..1.
        altered: Whether it lies in the half that is altered, the right one.
    """

    picture: int
    x: float
    y: float
    altered: bool


class Pictures:
    """Patches of the pictures that scikit-image ships, half of them altered.

    Patches of the left half of each picture stay as they are, those of its right half are altered: no patch is seen both ways
    (the data are unpaired), and the truth of an altered one, itself unaltered, serves for scores only. Splits are by picture.
    The attribute is Sharp for blur, HighResolution for low_resolution, Clear for rain: true in patches that stayed as they
    are; and Painted for painting: true in altered ones.

    Args:
        alteration: blur: Gaussian (sigma 1.5) and noise (2 of 255). low_resolution: reduced to half, and enlarged by bicubic
            interpolation. rain: bright streaks. painting: Kuwahara's filter, which looks like a broad brush.
        size: Side of the patches in pixels, an even number.
        count: Number of patches, 80% of them for training.
        seed: Seed of their places and of noise and rain.
    """

    patches: bool
    small_settings: ClassVar[Mapping[str, int]] = {"count": 96}

    def __init__(
        self,
        *,
        alteration: Name = "blur",
        size: Annotated[int, Field(ge=16, le=128, multiple_of=2)] = 32,
        count: Annotated[int, Field(ge=20)] = 6000,
        seed: Annotated[int, Field(ge=0)] = 0,
    ) -> None:
        self.alteration = alteration
        self.size = size
        self.count = count
        self.seed = seed
        self.patches = True

    def records(self) -> Records:
        """Labels, splits, and the picture that each patch is from as its identity."""
        how = ALTERATIONS[self.alteration]
        altered = np.array([patch.altered for patch in self._patches])
        pictures = np.array([patch.picture for patch in self._patches], np.int64)
        split = np.array([number for number, names in enumerate(PICTURES) for _ in names], np.uint8)[pictures]
        names = tuple(f"{picture_name(patch.picture)}-{row:05d}" for row, patch in enumerate(self._patches))
        return Records(names, {how.attribute: altered != how.value}, split, pictures)

    def read(self, rows: Sequence[int]) -> list[NDArray[np.uint8] | Broken]:
        return [self._image(row, float(self._patches[row].altered)) for row in rows]

    def fingerprint(self) -> str:
        """A hash of the parameters and of the code that makes the patches."""
        source = b"".join(Path(__file__).with_name(name).read_bytes() for name in ("pictures.py", "alterations.py"))
        return hashlib.sha256(source + repr((self.alteration, self.size, self.count, self.seed)).encode()).hexdigest()

    def counterfactual(self, rows: int | Sequence[int], attribute: str | Mapping[str, float]) -> NDArray[np.uint8]:
        """The same patches with another value of the attribute.

        Args:
            rows: One row or several.
            attribute: The attribute, whose value is flipped; or its value in 0..1, between the unaltered and the altered patch.

        Raises:
            DataError: The attribute is unknown.
        """
        how = ALTERATIONS[self.alteration]
        if {how.attribute} != ({attribute} if isinstance(attribute, str) else attribute.keys()):
            raise DataError(f"data: these pictures have the attribute {how.attribute} only, not {attribute}")
        chosen = [rows] if isinstance(rows, int) else list(rows)
        if isinstance(attribute, str):
            degrees = [float(not self._patches[row].altered) for row in chosen]
        else:
            value = attribute[how.attribute]
            degrees = [1 - value if how.value else value] * len(chosen)
        made = [self._image(row, degree) for row, degree in zip(chosen, degrees, strict=True)]
        return np.stack(made) if made else np.zeros((0, self.size, self.size, 3), np.uint8)

    @cached_property
    def _patches(self) -> list[Patch]:
        random = np.random.default_rng([self.seed, self.count])
        found, first = [], 0
        for names, share in zip(PICTURES, SHARES, strict=True):
            for number in range(max(round(share * self.count), 2 * len(names))):
                x, y = random.uniform(size=2)
                found.append(Patch(first + number // 2 % len(names), x, y, bool(number % 2)))
            first += len(names)
        return found

    def _image(self, row: int, degree: float) -> NDArray[np.uint8]:
        """A patch, altered to a degree in 0..1."""
        patch = self._patches[row]
        picture = _picture(patch.picture)
        height, width = picture.shape[:2]
        half = width // 2
        top = round(patch.y * (height - self.size))
        left = round(patch.x * (half - self.size)) + (width - half if patch.altered else 0)
        around = np.pad(picture, ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)), mode="symmetric")
        wide = around[top : top + self.size + 2 * MARGIN, left : left + self.size + 2 * MARGIN].astype(np.float32)
        made: Values = wide
        if degree:
            made = ALTERATIONS[self.alteration].apply(wide, np.random.default_rng([self.seed, 1, row])).clip(0, 255)
            made = wide + np.float32(degree) * (made - wide)
        inner = made[MARGIN : MARGIN + self.size, MARGIN : MARGIN + self.size]
        return np.asarray(inner.round().clip(0, 255), np.uint8)


def picture_name(number: int) -> str:
    """The name of a picture without its suffix."""
    return Path([name for names in PICTURES for name in names][number]).stem


@cache
def _picture(number: int) -> NDArray[np.uint8]:
    return np.asarray(open_rgb(FOLDER / [name for names in PICTURES for name in names][number]))
