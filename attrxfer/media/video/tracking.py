"""Subjects tracked over frames: detected in the whole frame now and then, followed near their last place between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float32]
ImageU8 = NDArray[np.uint8]
Detect = Callable[[ImageU8], Points]
"""From an image (H, W, 3) to the points (F, P, 2) of the subjects in it."""

SEARCH_EVERY = 12
"""The whole frame is searched at every twelfth detection; otherwise only the surroundings of known subjects are."""
MARGIN = 0.6
"""How far these surroundings reach beyond the points, in their extent."""
NEAR_SIDE = 128
"""Larger surroundings are reduced to this side in pixels: points are smoothed anyway."""
SAME = 0.7
"""Points at a distance below this, in their extent, belong to one subject."""
MAX_GAP = 12
"""A subject that is missed at more detections than this, or at the search after them, has left."""


@dataclass
class Track:
    """One subject from where it comes in to where it leaves.

    Attributes:
        frames: Numbers of the frames it was detected in, rising.
        points: Its points (P, 2) in each of them.
    """

    frames: list[int] = field(default_factory=list)
    points: list[Points] = field(default_factory=list)

    def predict(self, frame: int) -> Points:
        """Its points (P, 2) in a frame before its first or after its last, if it goes on moving as it did."""
        near, far = (-1, -2) if frame > self.frames[-1] else (0, 1)
        if len(self.frames) < 2:
            return self.points[near]
        speed = (self.points[near] - self.points[far]).mean(0) / (self.frames[near] - self.frames[far])
        ahead = np.clip(frame - self.frames[near], -abs(self.frames[near] - self.frames[far]), None)
        return self.points[near] + np.float32(min(ahead, abs(self.frames[near] - self.frames[far]))) * speed

    def add(self, frame: int, points: Points) -> None:
        """Add a detection before its first frame or after its last."""
        where = len(self.frames) if not self.frames or frame > self.frames[-1] else 0
        self.frames.insert(where, frame)
        self.points.insert(where, points)


def extent(points: Points) -> float:
    """The longer side of the bounding box of points (P, 2)."""
    return max(float(np.ptp(points, axis=0).max()), 1e-6)


def distance(one: Points, other: Points) -> float:
    """How unlike two sets of points (P, 2) are: the distance of their centres in their extent, plus the logarithm of the
    ratio of their sizes."""
    sizes = extent(one), extent(other)
    return float(np.linalg.norm(one.mean(0) - other.mean(0)) / max(sizes)) + abs(float(np.log(sizes[0] / sizes[1])))


class Tracker:
    """Tracks subjects over the frames of one scene after another.

    Attributes:
        tracks: All subjects so far.
        last_frame: Number of the last frame in which subjects were detected; -1 before.
    """

    def __init__(self, detect: Detect, step: int) -> None:
        """Begin with the first scene.

        Args:
            detect: Detects subjects in an image.
            step: Frames from detection to detection.
        """
        self.detect = detect
        self.step = step
        self.tracks: list[Track] = []
        self.last_frame = -1
        self._active: list[Track] = []
        self._searches = 0
        self._since_search: list[tuple[int, ImageU8]] = []  # to follow a new subject backwards

    def begin_scene(self) -> None:
        """The next frame belongs to another scene: no track goes on."""
        self._active, self._since_search, self._searches = [], [], 0

    def is_due(self, frame: int) -> bool:
        """Whether subjects are to be detected in this frame. In the first and the last of a scene they always are."""
        return not self._searches or frame - self.last_frame >= self.step

    def update(self, frame: int, image: ImageU8) -> None:
        """Detect the subjects in a frame, later than the last one, and continue the tracks."""
        missed = [track for track in self._active if not self._follow(track, frame, image)]
        just_lost = any(track.frames[-1] == self.last_frame for track in missed)
        self.last_frame = frame
        if not self._searches or just_lost or len(self._since_search) >= SEARCH_EVERY - 1:
            self._search(frame, image)
        else:
            self._since_search.append((frame, image))

    def _follow(self, track: Track, frame: int, image: ImageU8) -> bool:
        """Detect a track's subject where it is expected; whether it was found there and is not another track's."""
        expected = track.predict(frame)
        near = detect_near(image, expected, self.detect)
        if not len(near):
            return False
        best = min(near, key=lambda points: distance(points, expected))
        taken = (other.points[other.frames.index(frame)] for other in self.tracks if frame in other.frames[-2:])
        if distance(best, expected) > SAME or any(distance(best, points) < SAME / 2 for points in taken):
            return False
        track.add(frame, best)
        return True

    def _search(self, frame: int, image: ImageU8) -> None:
        """Detect in the whole frame: continue tracks that were missed, and begin new ones."""
        followed = [track.points[-1] for track in self._active if track.frames[-1] == frame]
        detected = [points for points in self.detect(image) if all(distance(points, other) > SAME / 2 for other in followed)]
        missed = [track for track in self._active if track.frames[-1] != frame]
        pairs = (
            (i, j, distance(points, track.predict(frame)))
            for j, track in enumerate(missed)
            for i, points in enumerate(detected)
        )
        new = set(range(len(detected)))
        for i, j, away in sorted(pairs, key=lambda pair: pair[2]):
            if away < SAME and i in new and missed[j].frames[-1] != frame:
                missed[j].add(frame, detected[i])
                new.remove(i)
        for i in sorted(new):
            self._begin(frame, detected[i])
        self._searches += 1
        self._since_search = []
        oldest = frame - MAX_GAP * self.step
        self._active = [track for track in self._active if track.frames[-1] > oldest]

    def _begin(self, frame: int, points: Points) -> None:
        """A new track, followed back to where it came in since the last search."""
        track = Track([frame], [points])
        for earlier, image in reversed(self._since_search):
            if not self._follow(track, earlier, image):
                break
        self.tracks.append(track)
        self._active.append(track)


def detect_near(image: ImageU8, points: Points, detect: Detect) -> Points:
    """Detect subjects in the surroundings of a known one.

    Args:
        image: uint8 (H, W, 3).
        points: Points (P, 2) of the known subject.
        detect: Detects subjects in an image.

    Returns:
        Points (F, P, 2) in pixels of the image.
    """
    from PIL import Image

    low, high = points.min(0), points.max(0)
    half = extent(points) * (0.5 + MARGIN)
    left, top = np.floor((low + high) / 2 - half).clip(0, image.shape[1::-1]).astype(int)
    right, bottom = np.ceil((low + high) / 2 + half).clip(0, image.shape[1::-1]).astype(int)
    if min(right - left, bottom - top) < 2:
        return np.zeros((0, *points.shape), np.float32)
    near = np.ascontiguousarray(image[top:bottom, left:right])
    scale = min(1.0, NEAR_SIDE / max(near.shape))
    if scale < 1:
        size = [max(1, round(side * scale)) for side in near.shape[1::-1]]
        near = np.asarray(Image.fromarray(near).resize(size, Image.Resampling.BOX))
    ratio = np.array([right - left, bottom - top]) / near.shape[1::-1]
    return ((detect(near) + 0.5) * ratio - 0.5 + [left, top]).astype(np.float32)
