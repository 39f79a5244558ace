"""Faces detected anywhere in an image: at a reduced size first, then their landmarks at the image's own size."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from attrxfer_faces.dlib_models import Faces
from attrxfer_faces.points import IBUG_POINTS, eyes_and_nose

SEARCH_SIDE = 1600
"""Longer side in pixels at which faces are detected: those of a twentieth of it and more are found. Where there are none, twice
the side is tried."""
MAX_ENLARGEMENT = 2
"""Small images are enlarged by this factor at most."""
MIN_SCORE, MIN_SCORE_UPRIGHT = 0.15, 0.1
"""Detections of dlib with lower scores are mostly no faces: in the whole image, and in the check of the upright face."""
CHECK_SIDE = 100
"""Side in pixels of the upright face in that check, in which most things that look like faces are no longer detected."""
LANDMARKS_SIDE = 320
"""Larger faces are reduced to this side in pixels for the landmarks: dlib compares single pixels."""
ROTATIONS = {3: -25.0, 4: 25.0}
"""Degrees counter-clockwise that set a face upright, by the number of dlib's detector for rotated faces that found it."""
ITERATIONS = 2
"""The landmarks are predicted again on the face that the first ones set upright: dlib's predictor knows no rotated faces."""


def detect_faces(image: NDArray[np.uint8], faces: Faces) -> NDArray[np.float32]:
    """Detect all faces in an image.

    Args:
        image: uint8 RGB (H, W, 3).
        faces: dlib's models.

    Returns:
        iBUG's 68 points of each face (F, 68, 2), x and y in pixels of the image, the largest face first.
    """
    pil = Image.fromarray(image)
    points: list[NDArray[np.float32]] = []
    for side in (SEARCH_SIDE, 2 * SEARCH_SIDE):
        points = [each for each in _search(pil, side, faces) if each is not None]
        if points or side >= MAX_ENLARGEMENT * max(pil.size):
            break
    return np.array(points, np.float32).reshape(-1, IBUG_POINTS, 2)


def _search(image: Image.Image, longer_side: int, faces: Faces) -> Iterator[NDArray[np.float32] | None]:
    """Detect at this longer side in pixels: the landmarks of each detection, the largest first; None where it is no face."""
    scale = min(MAX_ENLARGEMENT, longer_side / max(image.size))
    resized = image.resize([max(1, round(side * scale)) for side in image.size], Image.Resampling.BICUBIC, reducing_gap=3)
    detections = zip(*faces.detect.run(np.asarray(resized), 0, MIN_SCORE), strict=True)
    scored = [(box, number) for box, score, number in detections if score > MIN_SCORE]
    for box, number in sorted(scored, key=lambda detection: detection[0].area(), reverse=True):
        centre = (box.left() + box.width() / 2) / scale, (box.top() + box.height() / 2) / scale
        yield _landmarks(image, centre, box.width() / scale, ROTATIONS.get(number, 0.0), faces)


def _landmarks(
    image: Image.Image, centre: tuple[float, float], side: float, degrees: float, faces: Faces
) -> NDArray[np.float32] | None:
    """The 68 points of the face in a square around ``centre``, which a rotation by ``degrees`` counter-clockwise sets nearly
    upright; None where the upright face is not detected again."""
    left, top = round(centre[0] - side), round(centre[1] - side)
    area = image.crop((left, top, left + round(2 * side), top + round(2 * side)))
    scale = min(1.0, LANDMARKS_SIDE / side)
    near = area.resize((round(area.width * scale),) * 2, Image.Resampling.BOX) if scale < 1 else area
    half = near.width / 2
    box = faces.dlib.rectangle(*(round(half * part) for part in (0.5, 0.5, 1.5, 1.5)))
    points = np.zeros((IBUG_POINTS, 2))
    for _ in range(ITERATIONS):
        upright = near.rotate(degrees, Image.Resampling.BILINEAR) if degrees else near
        parts = faces.predictor(np.asarray(upright), box).parts()
        points = _rotate(np.array([(point.x, point.y) for point in parts]) + 0.5 - half, degrees)
        eyes = eyes_and_nose(points[None])
        across, down = (eyes[1] - eyes[0])[0]
        degrees = float(np.degrees(np.arctan2(down, across)))
    small = near.rotate(degrees, Image.Resampling.BILINEAR).resize((2 * CHECK_SIDE, 2 * CHECK_SIDE), Image.Resampling.BICUBIC)
    if not len(faces.detect.run(np.asarray(small), 0, MIN_SCORE_UPRIGHT)[0]):
        return None
    return ((points + half) * (area.width / near.width) + [left - 0.5, top - 0.5]).astype(np.float32)


def _rotate(points: NDArray[np.float64], degrees: float) -> NDArray[np.float64]:
    """Points (P, 2) around 0, 0 rotated clockwise, as images show them."""
    rotated = (points[:, 0] + 1j * points[:, 1]) * np.exp(1j * np.radians(degrees))
    return np.stack([rotated.real, rotated.imag], axis=1)
