"""A clip seen once from beginning to end: its times, its scenes, and where its subjects are in every frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from attrxfer.media.video.clip import Clip, Form
from attrxfer.media.video.planes import image
from attrxfer.media.video.smooth import WIDTH, fading, smooth
from attrxfer.media.video.tracks import ImageU8, Points, Track, Tracker, extent

if TYPE_CHECKING:
    from av import VideoFrame

LOOK = 0.04
"""Seconds from look to look."""
FEW = 3
"""A subject that is seen less often, in a scene with more looks, was none."""
THUMB = 32
CUT = 16.0
"""Mean difference in grey levels of neighbouring frames, seen as thumbnails, from which there can be a cut between them."""
SUDDEN = 4.0
"""A cut is so many times the difference before."""
USUAL = 8.0
"""The difference that is taken to be usual until it is known."""


@dataclass(frozen=True)
class ClipAnalysis:
    """form: what frames are like. times: (N,) when each is shown, in the clip's time base. scenes: the first frame of each.
    tracks: the subjects. interlaced: whether frames are of two fields. broken: packets that could not be decoded."""

    form: Form
    times: NDArray[np.int64]
    scenes: tuple[int, ...]
    tracks: tuple[Track, ...]
    interlaced: bool
    broken: int


def watch(clip: Clip, find: Callable[[ImageU8], Points], saw: Callable[[int], None]) -> ClipAnalysis:
    """Look through a clip; ``saw`` is told the number of each frame. Raises DataError as ``Clip.frames`` does."""
    tracker = Tracker(find, max(1, round(LOOK * clip.rate)))
    cuts, times, scenes = Cuts(), [], [0]
    last: VideoFrame | None = None
    for number, frame in enumerate(clip.frames()):
        if cuts.before(frame):
            _look(tracker, number - 1, last)
            tracker.scene()
            scenes.append(number)
        if tracker.due(number):
            _look(tracker, number, frame)
        times.append(frame.pts)
        last = frame
        saw(number)
    _look(tracker, len(times) - 1, last)
    assert last is not None
    return ClipAnalysis(
        clip.form(last), np.array(times, np.int64), tuple(scenes), tuple(tracker.tracks), last.interlaced_frame, clip.broken
    )


def _look(tracker: Tracker, number: int, frame: VideoFrame | None) -> None:
    if frame is not None and number > tracker.looked:
        tracker.look(number, image(frame))


class Cuts:
    """Whether another scene begins, frame by frame."""

    def __init__(self) -> None:
        self._thumb: NDArray[np.float32] | None = None
        self._usual = USUAL

    def before(self, frame: VideoFrame) -> bool:
        """Whether there is a cut between this frame and the one seen before."""
        thumb = frame.reformat(THUMB, THUMB, format="gray", interpolation="AREA").to_ndarray().astype(np.float32)
        if self._thumb is None:
            self._thumb = thumb
            return False
        change = float(np.abs(thumb - self._thumb).mean())
        cut = change > max(CUT, SUDDEN * self._usual)
        self._usual = USUAL if cut else max(change, 0.5 * self._usual)
        self._thumb = thumb
        return cut


@dataclass(frozen=True)
class Subject:
    """One subject in the frames from ``first`` on: its points (T, P, 2) and how much of the transfer it gets, (T,) in 0..1."""

    first: int
    points: Points
    weights: NDArray[np.float32]


def subjects(seen: ClipAnalysis, time_base: float, width: float = WIDTH, count: int | None = None) -> list[Subject]:
    """The subjects of a clip in every frame they are in, smoothed over ``width`` seconds: the ``count`` largest of each
    scene, or all."""
    times = (seen.times - seen.times[0]) * time_base
    found = []
    for start, end in zip(seen.scenes, (*seen.scenes[1:], len(times)), strict=True):
        own = [track for track in seen.tracks if start <= track.frames[0] < end and len(track.frames) >= min(FEW, end - start)]
        own.sort(key=lambda track: -sum(map(extent, track.points)))
        for track in own[:count]:
            frames = np.arange(track.frames[0], track.frames[-1] + 1)
            points = smooth(times[track.frames], np.stack(track.points), times[frames], width)
            weights = fading(times[frames], comes=frames[0] > start, goes=frames[-1] < end - 1)
            found.append(Subject(int(frames[0]), points, weights))
    return found


def by_frame(found: list[Subject], count: int) -> list[list[tuple[Points, float]]]:
    """For each of ``count`` frames the points (P, 2) and weights of the subjects in it."""
    frames: list[list[tuple[Points, float]]] = [[] for _ in range(count)]
    for subject in found:
        for number, (points, weight) in enumerate(zip(subject.points, subject.weights, strict=True), subject.first):
            if weight > 0:
                frames[number].append((points, float(weight)))
    return frames
