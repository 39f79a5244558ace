"""The subjects of frames changed, a few frames together."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from attrxfer.photos import Changed, Photos
from attrxfer.photos.photo import SMALLEST, Cut
from attrxfer.photos.place import Box, place
from attrxfer.video.planes import add_change, can, picture
from attrxfer.video.tracks import Points

if TYPE_CHECKING:
    from av import VideoFrame

BATCH = 16
"""Frames whose subjects are transferred together."""
SMALL = 1.25
"""Subjects between the smallest and so many times its size are faded in, so that nobody who comes nearer pops up."""

Placed = Sequence[tuple[Points, float]]
"""Points (P, 2) and weights in 0..1 of the subjects in a frame."""


def changed(
    photos: Photos, frames: Iterable[tuple[int, VideoFrame]], placed: Sequence[Placed], strength: float
) -> Iterator[VideoFrame]:
    """Numbered frames with their subjects transferred; a frame without any is the frame itself. ``placed``: the subjects
    by the number of the frame."""
    frames = iter(frames)
    while batch := list(itertools.islice(frames, BATCH)):
        seen = [_seen(photos, frame, placed[number]) for number, frame in batch]
        crops = [cut.crops for cut, _ in seen if cut is not None]
        results = photos.transfer.pictures(np.concatenate(crops), strength) if crops else None
        start = 0
        for (_, frame), (cut, weights) in zip(batch, seen, strict=True):
            if cut is None or results is None:
                yield frame
                continue
            own = results[start : start + len(cut.crops)]
            start += len(cut.crops)
            yield _written(frame, photos.paste(cut, _faded(cut.crops, own, weights)))


def _seen(photos: Photos, frame: VideoFrame, placed: Placed) -> tuple[Cut | None, list[float]]:
    """The crops of a frame's subjects and their weights; None where there is none."""
    kept = [(points, weight * _large(photos, points)) for points, weight in placed]
    kept = [(points, weight) for points, weight in kept if weight > 0]
    if not kept:
        return None, []
    return photos.cut(picture(frame), np.stack([points for points, _ in kept])), [w for _, w in kept]


def _large(photos: Photos, points: Points) -> float:
    """0 for subjects too small to change, 1 for those ``SMALL`` times as large."""
    found = place(points, photos.alignment, photos.transfer.size)
    return 0.0 if found is None else float(np.clip((found.side / SMALLEST - 1) / (SMALL - 1), 0, 1))


def _faded(crops: NDArray[np.uint8], results: NDArray[np.uint8], weights: Sequence[float]) -> NDArray[np.uint8]:
    """Results (N, S, S, 3), nearer to their crops where the weight is below 1."""
    if min(weights) == 1:
        return results
    weight = np.array(weights, np.float32)[:, None, None, None]
    return np.rint(crops + weight * (results.astype(np.float32) - crops)).astype(np.uint8)


def _written(frame: VideoFrame, result: Changed) -> VideoFrame:
    from av import VideoFrame

    if can(frame):
        add_change(frame, result.cut.picture, result.picture, _around(result.cut.boxes()))
        return frame
    whole = VideoFrame.from_ndarray(result.picture, format="rgb24")
    whole.colorspace, whole.color_range = frame.colorspace, frame.color_range
    return whole


def _around(boxes: Sequence[Box]) -> Box:
    """The box around boxes."""
    edges = np.array(boxes)
    low, high = edges[:, :2].min(0), edges[:, 2:].max(0)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])
