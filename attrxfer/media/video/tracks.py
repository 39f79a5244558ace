"""Which points in which frames belong to one subject: looked for now and then, followed between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float32]
ImageU8 = NDArray[np.uint8]

SEARCH = 12
"""The whole frame is searched at every so manieth look; between, only the surroundings of known subjects are."""
MARGIN = 0.6
"""How far these surroundings reach beyond the points, in the extent of these."""
CLOSE = 128
"""Larger surroundings are reduced to this side in pixels: followed points are smoothed anyway."""
SAME = 0.7
"""Points that lie nearer together than this share of their extent are one subject's."""
GAP = 12
"""A subject that is not seen for more looks than this, or at the search after them, has left."""


@dataclass
class Track:
    """One subject from where it comes in to where it leaves: the frames it was seen in, rising, and its points there."""

    frames: list[int] = field(default_factory=list)
    points: list[Points] = field(default_factory=list)

    def expected(self, frame: int) -> Points:
        """Where its points (P, 2) are when it moves on as it last did: before its first frame or after its last."""
        near, far = (-1, -2) if frame > self.frames[-1] else (0, 1)
        if len(self.frames) < 2:
            return self.points[near]
        speed = (self.points[near] - self.points[far]).mean(0) / (self.frames[near] - self.frames[far])
        ahead = np.clip(frame - self.frames[near], -abs(self.frames[near] - self.frames[far]), None)
        return self.points[near] + np.float32(min(ahead, abs(self.frames[near] - self.frames[far]))) * speed

    def add(self, frame: int, points: Points) -> None:
        """Before its first frame or after its last."""
        where = len(self.frames) if not self.frames or frame > self.frames[-1] else 0
        self.frames.insert(where, frame)
        self.points.insert(where, points)


def extent(points: Points) -> float:
    """The longer side of the box around points (P, 2)."""
    return max(float(np.ptp(points, axis=0).max()), 1e-6)


def apart(one: Points, other: Points) -> float:
    """How unlike two sets of points (P, 2) are as places of one subject: the distance of their middles and the difference
    of their sizes, in their extent."""
    sizes = extent(one), extent(other)
    return float(np.linalg.norm(one.mean(0) - other.mean(0)) / max(sizes)) + abs(float(np.log(sizes[0] / sizes[1])))


class Tracker:
    """Sees the frames of one scene after another and keeps ``tracks``.

    find: points (F, P, 2) of the subjects of an image (H, W, 3). step: frames from look to look.
    """

    def __init__(self, find: Callable[[ImageU8], Points], step: int) -> None:
        self.find = find
        self.step = step
        self.tracks: list[Track] = []
        self._live: list[Track] = []
        self.looked = -1
        self._searches = 0
        self._since: list[tuple[int, ImageU8]] = []  # looks since the last search, to follow who is new backwards

    def scene(self) -> None:
        """What comes is another scene: nobody goes on."""
        self._live, self._since, self._searches = [], [], 0

    def due(self, frame: int) -> bool:
        """Whether this frame is to be looked at. The first and the last of a scene always are."""
        return not self._searches or frame - self.looked >= self.step

    def look(self, frame: int, image: ImageU8) -> None:
        """See a frame that was not looked at yet, later than the last."""
        missed = [track for track in self._live if not self._follow(track, frame, image)]
        new_loss = any(track.frames[-1] == self.looked for track in missed)
        self.looked = frame
        if not self._searches or new_loss or len(self._since) >= SEARCH - 1:
            self._search(frame, image)
        else:
            self._since.append((frame, image))

    def _follow(self, track: Track, frame: int, image: ImageU8) -> bool:
        """Look where a track is expected; whether the subject was seen there and is not another track's."""
        expected = track.expected(frame)
        found = around(image, expected, self.find)
        if not len(found):
            return False
        best = min(found, key=lambda points: apart(points, expected))
        taken = (other.points[other.frames.index(frame)] for other in self.tracks if frame in other.frames[-2:])
        if apart(best, expected) > SAME or any(apart(best, points) < SAME / 2 for points in taken):
            return False
        track.add(frame, best)
        return True

    def _search(self, frame: int, image: ImageU8) -> None:
        found = list(self.find(image))
        seen = [track.points[-1] for track in self._live if track.frames[-1] == frame]
        found = [points for points in found if all(apart(points, other) > SAME / 2 for other in seen)]
        away = [track for track in self._live if track.frames[-1] != frame]
        pairs = ((i, j, apart(points, track.expected(frame))) for j, track in enumerate(away) for i, points in enumerate(found))
        new = set(range(len(found)))
        for i, j, distance in sorted(pairs, key=lambda pair: pair[2]):
            if distance < SAME and i in new and away[j].frames[-1] != frame:
                away[j].add(frame, found[i])
                new.remove(i)
        for i in sorted(new):
            self._begin(frame, found[i])
        self._searches += 1
        self._since = []
        oldest = frame - GAP * self.step
        self._live = [track for track in self._live if track.frames[-1] > oldest]

    def _begin(self, frame: int, points: Points) -> None:
        """A new track, followed back to where it came in since the last search."""
        track = Track([frame], [points])
        for earlier, image in reversed(self._since):
            if not self._follow(track, earlier, image):
                break
        self.tracks.append(track)
        self._live.append(track)


def around(image: ImageU8, points: Points, find: Callable[[ImageU8], Points]) -> Points:
    """Points (F, P, 2) of the subjects in the surroundings of ``points`` (P, 2), in pixels of the image (H, W, 3)."""
    from PIL import Image

    low, high = points.min(0), points.max(0)
    half = extent(points) * (0.5 + MARGIN)
    left, top = np.floor((low + high) / 2 - half).clip(0, image.shape[1::-1]).astype(int)
    right, bottom = np.ceil((low + high) / 2 + half).clip(0, image.shape[1::-1]).astype(int)
    if min(right - left, bottom - top) < 2:
        return np.zeros((0, *points.shape), np.float32)
    near = np.ascontiguousarray(image[top:bottom, left:right])
    scale = min(1.0, CLOSE / max(near.shape))
    if scale < 1:
        size = [max(1, round(side * scale)) for side in near.shape[1::-1]]
        near = np.asarray(Image.fromarray(near).resize(size, Image.Resampling.BOX))
    ratio = np.array([right - left, bottom - top]) / near.shape[1::-1]
    return ((find(near) + 0.5) * ratio - 0.5 + [left, top]).astype(np.float32)
