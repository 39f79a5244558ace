"""Faces anywhere in an image: looked for at a reduced size, their points placed at the image's own."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from attrxfer_faces.dlib_models import Faces
from attrxfer_faces.points import IBUG_POINTS, eyes_and_nose

SEARCH = 1600
"""Longer side in pixels at which faces are looked for: those of a twentieth of it and more are found. Where there are none,
they are looked for again at twice the side."""
ENLARGED = 2
"""Times that smaller images are enlarged at most."""
SURE, SURE_AGAIN = 0.15, 0.1
"""Scores of dlib's detector below this are mostly not of faces: at first, and when it looks again at the face set upright
and ``AGAIN`` pixels large, where other things that look like faces no longer do."""
AGAIN = 100
CLOSE = 320
"""A larger face is reduced to this side in pixels before its points are placed: dlib compares single pixels."""
LEANING = {3: -25.0, 4: 25.0}
"""Degrees counter-clockwise that set upright what dlib's detectors for leaning faces find."""
TIMES = 2
"""The points are placed again on the face set upright by them: dlib's predictor knows no leaning faces."""


def faces_in(image: NDArray[np.uint8], faces: Faces) -> NDArray[np.float32]:
    """iBUG's 68 points of every face in an image (H, W, 3), the largest face first: (F, 68, 2) in its pixels."""
    pil = Image.fromarray(image)
    points: list[NDArray[np.float32]] = []
    for side in (SEARCH, 2 * SEARCH):
        points = [each for each in _looked_for(pil, side, faces) if each is not None]
        if points or side >= ENLARGED * max(pil.size):
            break
    return np.array(points, np.float32).reshape(-1, IBUG_POINTS, 2)


def _looked_for(image: Image.Image, longer: int, faces: Faces) -> Iterator[NDArray[np.float32] | None]:
    """The points of what looks like a face at this longer side in pixels, the largest first; None where it is none."""
    scale = min(ENLARGED, longer / max(image.size))
    seen = image.resize([max(1, round(side * scale)) for side in image.size], Image.Resampling.BICUBIC, reducing_gap=3)
    found = [hit for hit in zip(*faces.detect.run(np.asarray(seen), 0, SURE), strict=True) if hit[1] > SURE]
    for box, _, which in sorted(found, key=lambda hit: hit[0].area(), reverse=True):
        middle = (box.left() + box.width() / 2) / scale, (box.top() + box.height() / 2) / scale
        yield _points(image, middle, box.width() / scale, LEANING.get(which, 0.0), faces)


def _points(
    image: Image.Image, middle: tuple[float, float], side: float, degrees: float, faces: Faces
) -> NDArray[np.float32] | None:
    """The 68 points of the face in a square around ``middle``, which a turn by ``degrees``
    counter-clockwise sets upright or nearly so; None where it is no face after all."""
    left, top = round(middle[0] - side), round(middle[1] - side)
    area = image.crop((left, top, left + round(2 * side), top + round(2 * side)))
    scale = min(1.0, CLOSE / side)
    near = area.resize((round(area.width * scale),) * 2, Image.Resampling.BOX) if scale < 1 else area
    half = near.width / 2
    box = faces.dlib.rectangle(*(round(half * part) for part in (0.5, 0.5, 1.5, 1.5)))
    found = np.zeros((IBUG_POINTS, 2))
    for _ in range(TIMES):
        upright = near.rotate(degrees, Image.Resampling.BILINEAR) if degrees else near
        parts = faces.predictor(np.asarray(upright), box).parts()
        found = _turned(np.array([(point.x, point.y) for point in parts]) + 0.5 - half, degrees)
        eyes = eyes_and_nose(found[None])
        across, down = (eyes[1] - eyes[0])[0]
        degrees = float(np.degrees(np.arctan2(down, across)))
    small = near.rotate(degrees, Image.Resampling.BILINEAR).resize((2 * AGAIN, 2 * AGAIN), Image.Resampling.BICUBIC)
    if not len(faces.detect.run(np.asarray(small), 0, SURE_AGAIN)[0]):
        return None
    return ((found + half) * (area.width / near.width) + [left - 0.5, top - 0.5]).astype(np.float32)


def _turned(points: NDArray[np.float64], degrees: float) -> NDArray[np.float64]:
    """Points (P, 2) around 0, 0 turned clockwise, as images show them."""
    turn = np.exp(1j * np.radians(degrees))
    turned = (points[:, 0] + 1j * points[:, 1]) * turn
    return np.stack([turned.real, turned.imag], axis=1)
