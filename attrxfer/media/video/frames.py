"""The transfer of decoded frames, some frames in one batch."""

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
from attrxfer.media.video.pixel_format import add_change, has_plain_samples, to_rgb
from attrxfer.media.video.tracking import Points

if TYPE_CHECKING:
    from av import VideoFrame

BATCH = 16
"""Frames whose subjects are transferred together."""
FADE_SIDE = 1.25
"""Subjects between the smallest side and so many times it are faded in, so that no one who comes nearer appears suddenly."""
WORKERS = 2
"""Frames that results are put back into at once, while others are encoded."""
NO_CROPS = np.zeros((0, 1, 1, 3), np.uint8)

WeightedPoints = Sequence[tuple[Points, float]]
"""Points (P, 2) and weights in 0..1 of the subjects in a frame."""
FrameCrops = tuple[PhotoCrops | None, list[float]]
"""The crops of a frame's subjects and their weights; None where there are no subjects."""


def transfer_frames(
    photos: Photos, frames: Iterable[tuple[int, VideoFrame]], subjects: Sequence[WeightedPoints], strength: float
) -> Iterator[VideoFrame]:
    """Transfer the subjects of frames.

    Args:
        photos: The model and the detector.
        frames: Frames with their numbers.
        subjects: The subjects of each frame, by its number.
        strength: Strength of the transfer.

    Yields:
        The frames, changed in place; a frame without subjects is returned as it is.
    """
    frames = iter(frames)
    with ThreadPoolExecutor(WORKERS) as pool:
        while batch := list(itertools.islice(frames, BATCH)):
            cropped = [_extract(photos, frame, subjects[number]) for number, frame in batch]
            crops = np.concatenate([own.crops for own, _ in cropped if own is not None] or [NO_CROPS])
            results = photos.model.images(crops, strength) if len(crops) else crops
            counts = [0 if own is None else len(own.crops) for own, _ in cropped]
            parts = np.split(results, np.cumsum(counts)[:-1])
            # frames are handed out one by one, while later ones are made
            yield from pool.map(functools.partial(_put_back, photos), (frame for _, frame in batch), cropped, parts)


def _extract(photos: Photos, frame: VideoFrame, subjects: WeightedPoints) -> FrameCrops:
    weighted = [(points, weight * _size_weight(photos, points)) for points, weight in subjects]
    weighted = [(points, weight) for points, weight in weighted if weight > 0]
    if not weighted:
        return None, []
    crops = photos.extract(to_rgb(frame), np.stack([points for points, _ in weighted]))
    return crops, [weight for _, weight in weighted]


def _size_weight(photos: Photos, points: Points) -> float:
    """0 for subjects too small to change, 1 for those ``FADE_SIDE`` times as large."""
    similarity = estimate_similarity(points, photos.alignment, photos.model.size)
    return 0.0 if similarity is None else float(np.clip((similarity.side / MIN_SIDE - 1) / (FADE_SIDE - 1), 0, 1))


def _put_back(photos: Photos, frame: VideoFrame, cropped: FrameCrops, results: NDArray[np.uint8]) -> VideoFrame:
    crops, weights = cropped
    return frame if crops is None else _write(frame, photos.paste(crops, _fade(crops.crops, results, weights)))


def _fade(crops: NDArray[np.uint8], results: NDArray[np.uint8], weights: Sequence[float]) -> NDArray[np.uint8]:
    """Results (N, S, S, 3), blended with their crops where the weight is below 1."""
    if min(weights) == 1:
        return results
    weight = np.array(weights, np.float32)[:, None, None, None]
    return np.rint(crops + weight * (results.astype(np.float32) - crops)).astype(np.uint8)


def _write(frame: VideoFrame, result: PhotoResult) -> VideoFrame:
    from av import VideoFrame

    if has_plain_samples(frame):
        add_change(frame, result.crops.image, result.image, _union(result.crops.boxes()))
        return frame
    whole = VideoFrame.from_ndarray(result.image, format="rgb24")
    whole.colorspace, whole.color_range = frame.colorspace, frame.color_range
    return whole


def _union(boxes: Sequence[Box]) -> Box:
    """The bounding box of boxes."""
    edges = np.array(boxes)
    low, high = edges[:, :2].min(0), edges[:, 2:].max(0)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])
