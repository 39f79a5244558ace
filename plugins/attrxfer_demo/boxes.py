"""Subjects marked in a photo, to be chosen by a click."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from attrxfer.media.photos.photo import PhotoCrops
from attrxfer.media.photos.similarity import Box

MIDDLE = 0.62
"""Side of a box, in sides of the square that is cut out: the square has margins, and neighbours' squares overlap."""
CHOSEN, OTHER, EDGE = "#2563eb", "#ffffff", "#0f172a"
"""Colours of a chosen subject's box, of another one's, and of the thin line around both."""


class NumberedBox(NamedTuple):
    """The box of a subject: its number (1 for the largest) and its place in the photo as it is shown."""

    number: int
    box: Box


def numbered_boxes(crops: PhotoCrops) -> tuple[NumberedBox, ...]:
    """The boxes of the subjects whose crops lie in a photo."""
    height, width = crops.image.shape[:2]
    found = []
    for number, similarity in zip(crops.numbers, crops.similarities, strict=True):
        x, y = similarity.corners().mean(0)
        half = MIDDLE / 2 * similarity.side
        sides = np.clip([x - half, y - half, x + half, y + half], 0, [width - 1, height - 1] * 2)
        left, top, right, bottom = (int(side) for side in np.rint(sides))
        found.append(NumberedBox(number, (left, top, right, bottom)))
    return tuple(found)


def changed_part(crops: PhotoCrops) -> tuple[slice, slice]:
    """The rows and columns of a photo that hold all its crops."""
    left, top, right, bottom = np.array(crops.boxes()).T
    return slice(int(top.min()), int(bottom.max())), slice(int(left.min()), int(right.max()))


def clicked(boxes: Sequence[NumberedBox], x: float, y: float) -> int | None:
    """The number of the subject at a point: of the boxes that hold it, the one whose middle is nearest; None: nobody's."""
    holding = [each for each in boxes if each.box[0] <= x <= each.box[2] and each.box[1] <= y <= each.box[3]]

    def distance(each: NumberedBox) -> float:
        left, top, right, bottom = each.box
        return (x - (left + right) / 2) ** 2 + (y - (top + bottom) / 2) ** 2

    return min(holding, key=distance).number if holding else None


def draw_boxes(image: NDArray[np.uint8], boxes: Sequence[NumberedBox], chosen: Collection[int]) -> NDArray[np.uint8]:
    """A photo with its subjects' boxes and numbers; those that are not ``chosen`` are pale."""
    drawn = Image.fromarray(image)
    pen = ImageDraw.Draw(drawn)
    width = max(2, round(max(image.shape) / 200))
    font = ImageFont.load_default(6 * width)
    for number, (left, top, right, bottom) in sorted(boxes, key=lambda each: each.number in chosen):
        colour = CHOSEN if number in chosen else OTHER
        pen.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline=EDGE, width=width + 2)
        pen.rectangle((left, top, right, bottom), outline=colour, width=width)
        side = 8 * width
        pen.rectangle((left, top, left + side, top + side), fill=colour)
        text = OTHER if number in chosen else EDGE
        pen.text((left + side / 2, top + side / 2), str(number), fill=text, font=font, anchor="mm")
    return np.asarray(drawn)
