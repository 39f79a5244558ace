"""The data set ``handwriting``."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from pydantic import Field
from scipy.interpolate import make_interp_spline

from attrxfer.errors import DataError
from attrxfer.interfaces import Broken, Records

Points = tuple[tuple[float, float], ...]
LETTERS: Mapping[str, tuple[float, tuple[Points, ...]]] = {
    "a": (1.0, (((0.9, 0.9), (0.4, 1.0), (0.1, 0.5), (0.4, 0.0), (0.9, 0.2), (0.9, 0.9)),
                ((0.9, 1.0), (0.9, 0.4), (1.0, 0.0)))),
    "c": (0.8, (((0.9, 0.8), (0.5, 1.0), (0.1, 0.5), (0.4, 0.0), (0.9, 0.2)),)),
    "d": (1.0, (((0.9, 0.8), (0.4, 1.0), (0.1, 0.5), (0.4, 0.0), (0.9, 0.3)), ((0.9, 1.9), (0.9, 0.9), (0.95, 0.0)))),
    "e": (0.8, (((0.1, 0.5), (0.9, 0.6), (0.5, 1.0), (0.1, 0.5), (0.4, 0.0), (0.9, 0.2)),)),
    "h": (1.0, (((0.1, 1.9), (0.1, 1.0), (0.1, 0.0)), ((0.1, 0.6), (0.5, 1.0), (0.9, 0.7), (0.9, 0.0)))),
    "i": (0.4, (((0.2, 1.0), (0.2, 0.5), (0.25, 0.0)), ((0.2, 1.45), (0.2, 1.5), (0.22, 1.52)))),
    "l": (0.4, (((0.2, 1.9), (0.2, 1.0), (0.25, 0.0)),)),
    "m": (1.5, (((0.1, 1.0), (0.1, 0.5), (0.1, 0.0)), ((0.1, 0.7), (0.45, 1.0), (0.75, 0.7), (0.75, 0.0)),
                ((0.75, 0.7), (1.1, 1.0), (1.4, 0.7), (1.4, 0.0)))),
    "n": (1.0, (((0.1, 1.0), (0.1, 0.5), (0.1, 0.0)), ((0.1, 0.6), (0.5, 1.0), (0.9, 0.7), (0.9, 0.0)))),
    "o": (1.0, (((0.5, 1.0), (0.1, 0.5), (0.5, 0.0), (0.9, 0.5), (0.5, 1.0)),)),
    "s": (0.8, (((0.8, 0.9), (0.4, 1.0), (0.2, 0.7), (0.5, 0.5), (0.8, 0.3), (0.5, 0.0), (0.1, 0.1)),)),
    "t": (0.7, (((0.35, 1.6), (0.35, 0.8), (0.4, 0.1), (0.6, 0.0)), ((0.05, 1.0), (0.35, 1.0), (0.65, 1.0)))),
    "u": (1.0, (((0.1, 1.0), (0.1, 0.3), (0.5, 0.0), (0.9, 0.4)), ((0.9, 1.0), (0.9, 0.5), (0.95, 0.0)))),
    "v": (0.9, (((0.1, 1.0), (0.3, 0.5), (0.45, 0.0)), ((0.45, 0.0), (0.65, 0.5), (0.85, 1.0)))),
}  # fmt: skip
"""The width of each letter, and the points of its strokes: x from its left, y up from the line it stands on. A small letter
without ascender has the height 1."""
SLANT, PEN, INK = 0.35, (0.035, 0.075), ((40.0, 40.0, 48.0), (35.0, 60.0, 150.0))
"""How far the second hand leans, in widths for each height; the breadths of both pens, in sides of the image; their inks."""
ENLARGED = 6
"""By how much an image is enlarged while it is drawn."""
SPLITS_AT = (0.8, 0.9)


class Word(NamedTuple):
    """What is written.

    Attributes:
        letters: Its letters.
        height: Of a small letter, in sides of the image.
        x: Where it begins, in sides of the image.
        jitter: How much each letter is widened and lifted, (L, 2).
        paper: The paper's colour, 0..255.
    """

    letters: str
    height: float
    x: float
    jitter: NDArray[np.float64]
    paper: NDArray[np.float64]


class Handwriting:
    """Letters drawn by two hands: one writes upright with a fine pen, the other, Slanted, with a broad blue one.

    What is written is known, so that the other hand's writing of it is the exact truth. No text is written by both hands but
    by chance.

    Args:
        size: Side of the images in pixels.
        count: Number of images; 80% are for training, 10% each for validation and test.
        seed: Seed of what is written.
    """

    small_settings: ClassVar[Mapping[str, int]] = {"count": 96}

    def __init__(
        self,
        *,
        size: Annotated[int, Field(ge=16, le=512)] = 32,
        count: Annotated[int, Field(ge=20)] = 4000,
        seed: Annotated[int, Field(ge=0)] = 0,
    ) -> None:
        self.size = size
        self.count = count
        self.seed = seed

    def records(self) -> Records:
        """Labels and splits; every other image is Slanted."""
        rows = np.arange(self.count)
        split = np.searchsorted(SPLITS_AT, rows / self.count, side="right").astype(np.uint8)
        return Records(tuple(f"word-{row:05d}" for row in rows), {"Slanted": rows % 2 == 1}, split)

    def read(self, rows: Sequence[int]) -> list[NDArray[np.uint8] | Broken]:
        return [self._draw(row, row % 2) for row in rows]

    def fingerprint(self) -> str:
        """A hash of the parameters and of this file."""
        source = Path(__file__).read_bytes()
        return hashlib.sha256(source + repr((self.size, self.count, self.seed)).encode()).hexdigest()

    def counterfactual(self, rows: int | Sequence[int], attribute: str | Mapping[str, float]) -> NDArray[np.uint8]:
        """The same words by the other hand.

        Args:
            rows: One row or several.
            attribute: "Slanted", which is flipped; or its value in 0..1: a hand between the two.

        Raises:
            DataError: The attribute is unknown.
        """
        if {"Slanted"} != ({attribute} if isinstance(attribute, str) else attribute.keys()):
            raise DataError(f"data: handwriting has the attribute Slanted only, not {attribute}")
        chosen = [rows] if isinstance(rows, int) else list(rows)
        made = [self._draw(row, 1 - row % 2 if isinstance(attribute, str) else attribute["Slanted"]) for row in chosen]
        return np.stack(made) if made else np.zeros((0, self.size, self.size, 3), np.uint8)

    @cached_property
    def _words(self) -> list[Word]:
        words = []
        for row in range(self.count):
            random = np.random.default_rng([self.seed, row])
            height = random.uniform(0.24, 0.34)
            letters, room = "", 0.8
            while True:
                letter = str(random.choice(list(LETTERS)))
                room -= (LETTERS[letter][0] + 0.25) * height
                if room < 0 and letters:
                    break
                letters += letter
            paper = random.uniform(225, 250, 1) + random.normal(0, 4, 3)
            words.append(Word(letters, height, random.uniform(0.05, 0.15), random.normal(0, 0.06, (len(letters), 2)), paper))
        return words

    def _draw(self, row: int, slanted: float) -> NDArray[np.uint8]:
        """A word, written by the first hand (0), the second (1), or one between them."""
        word, side = self._words[row], self.size * ENLARGED
        slant, pen = SLANT * slanted, (PEN[0] + slanted * (PEN[1] - PEN[0])) * side
        canvas = Image.new("L", (side, side))
        brush = ImageDraw.Draw(canvas)
        x, line = word.x, 0.5 + 0.5 * word.height
        for letter, (wider, lifted) in zip(word.letters, word.jitter, strict=True):
            width, strokes = LETTERS[letter]
            for stroke in strokes:
                place = np.array(stroke) * (1 + wider, 1) * word.height
                across, up = x + place[:, 0], line - place[:, 1] - lifted * word.height
                _stroke(brush, np.stack([across + slant * (0.5 - up), up], 1) * side, pen)
            x += (width + 0.25) * word.height
        covered = np.asarray(canvas.resize((self.size, self.size), Image.Resampling.BOX), np.float64)[..., None] / 255
        ink = (1 - slanted) * np.array(INK[0]) + slanted * np.array(INK[1])
        noise = np.random.default_rng([self.seed, 1, row]).normal(0, 1.5, (self.size, self.size, 1))
        return np.asarray((word.paper + covered * (ink - word.paper) + noise).round().clip(0, 255), np.uint8)


def _stroke(brush: ImageDraw.ImageDraw, points: NDArray[np.float64], pen: float) -> None:
    """A smooth line through points (P, 2), P at least 3, with a round pen."""
    spline = make_interp_spline(np.linspace(0, 1, len(points)), points, k=2)
    for x, y in spline(np.linspace(0, 1, 60)):
        brush.ellipse((x - pen / 2, y - pen / 2, x + pen / 2, y + pen / 2), fill=255)
