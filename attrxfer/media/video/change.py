"""The subjects of frames changed, a few frames together."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from attrxfer.media.photos import PhotoCrops, PhotoResult, Photos
from attrxfer.media.photos.photo import MIN_SIDE
from attrxfer.media.photos.similarity import Box, estimate_similarity
from attrxfer.media.video.planes import add_change, can, image
from attrxfer.media.video.tracks import Points

if TYPE_CHECKING:
    from av import VideoFrame

BATCH = 16
"""Frames whose subjects are transferred together."""
SMALL = 1.25
"""Subjects between the smallest and so many times its size are faded in, so that nobody who comes nearer pops up."""

WORKERS = 2
"""Frames that are put back at once, while others are encoded."""
NO_CROPS = np.zeros((0, 1, 1, 3), np.uint8)

Placed = Sequence[tuple[Points, float]]
"""Points (P, 2) and weights in 0..1 of the subjects in a frame."""
ClipAnalysis = tuple[PhotoCrops | None, list[float]]
"""The crops of a frame's subjects and their weights; None where there is none."""


def changed(
    photos: Photos, frames: Iterable[tuple[int, VideoFrame]], placed: Sequence[Placed], strength: float
) -> Iterator[VideoFrame]:
    """Numbered frames with their subjects transferred; a frame without any is the frame itself. ``placed``: the subjects
    by the number of the frame."""
    frames = iter(frames)
    with ThreadPoolExecutor(WORKERS) as pool:
        while batch := list(itertools.islice(frames, BATCH)):
            seen = [_seen(photos, frame, placed[number]) for number, frame in batch]
            crops = np.concatenate([cut.crops for cut, _ in seen if cut is not None] or [NO_CROPS])
            results = photos.model.images(crops, strength) if len(crops) else crops
            parts = np.split(results, np.cumsum([0 if cut is None else len(cut.crops) for cut, _ in seen])[:-1])
            # the results come one by one, while later ones are made
            yield from pool.map(functools.partial(_put_back, photos), (frame for _, frame in batch), seen, parts)


def _put_back(photos: Photos, frame: VideoFrame, seen: ClipAnalysis, results: NDArray[np.uint8]) -> VideoFrame:
    cut, weights = seen
    return frame if cut is None else _written(frame, photos.paste(cut, _faded(cut.crops, results, weights)))


def _seen(photos: Photos, frame: VideoFrame, placed: Placed) -> ClipAnalysis:
    kept = [(points, weight * _large(photos, points)) for points, weight in placed]
    kept = [(points, weight) for points, weight in kept if weight > 0]
    if not kept:
        return None, []
    return photos.extract(image(frame), np.stack([points for points, _ in kept])), [w for _, w in kept]


def _large(photos: Photos, points: Points) -> float:
    """0 for subjects too small to change, 1 for those ``SMALL`` times as large."""
    found = estimate_similarity(points, photos.alignment, photos.model.size)
    return 0.0 if found is None else float(np.clip((found.side / MIN_SIDE - 1) / (SMALL - 1), 0, 1))


def _faded(crops: NDArray[np.uint8], results: NDArray[np.uint8], weights: Sequence[float]) -> NDArray[np.uint8]:
    """Results (N, S, S, 3), nearer to their crops where the weight is below 1."""
    if min(weights) == 1:
        return results
    weight = np.array(weights, np.float32)[:, None, None, None]
    return np.rint(crops + weight * (results.astype(np.float32) - crops)).astype(np.uint8)


def _written(frame: VideoFrame, result: PhotoResult) -> VideoFrame:
    from av import VideoFrame

    if can(frame):
        add_change(frame, result.crops.image, result.image, _around(result.crops.boxes()))
        return frame
    whole = VideoFrame.from_ndarray(result.image, format="rgb24")
    whole.colorspace, whole.color_range = frame.colorspace, frame.color_range
    return whole


def _around(boxes: Sequence[Box]) -> Box:
    """The box around boxes."""
    edges = np.array(boxes)
    low, high = edges[:, :2].min(0), edges[:, 2:].max(0)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])
