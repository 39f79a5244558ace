"""The first pass over a video: its frames' times, its scenes, and where its subjects are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from attrxfer.media.video.pixel_format import to_rgb
from attrxfer.media.video.reader import StreamFormat, VideoReader
from attrxfer.media.video.smoothing import SMOOTHING, fade_weights, smooth_points
from attrxfer.media.video.tracking import Detect, Points, Track, Tracker, extent

if TYPE_CHECKING:
    from av import VideoFrame

INTERVAL = 0.04
"""Seconds from detection to detection."""
MIN_DETECTIONS = 3
"""A track with fewer detections, in a scene with more, is a false one."""
THUMBNAIL = 32
CUT = 16.0
"""Mean difference in grey levels between the thumbnails of neighbouring frames from which there can be a cut."""
CUT_RATIO = 4.0
"""At a cut, the difference is so many times the one before."""
FIRST_DIFFERENCE = 8.0
"""The difference that is assumed before any is known."""


@dataclass(frozen=True)
class VideoAnalysis:
    """What the first pass found.

    Attributes:
        stream_format: What the frames have in common.
        times: (N,): when each frame is shown, in the stream's time base.
        scenes: Number of the first frame of each scene.
        tracks: The detected subjects.
        interlaced: Whether frames consist of two fields.
        broken_packets: Packets that could not be decoded.
    """

    stream_format: StreamFormat
    times: NDArray[np.int64]
    scenes: tuple[int, ...]
    tracks: tuple[Track, ...]
    interlaced: bool
    broken_packets: int


def analyze(reader: VideoReader, detect: Detect, on_frame: Callable[[int], object]) -> VideoAnalysis:
    """Read a video from beginning to end and track its subjects.

    Args:
        reader: The video.
        detect: Detects subjects in an image.
        on_frame: Called with the number of each frame.

    Raises:
        DataError: What ``VideoReader.frames`` raises.
    """
    tracker = Tracker(detect, max(1, round(INTERVAL * reader.frame_rate)))
    cuts, times, scenes = CutDetector(), [], [0]
    last: VideoFrame | None = None
    for number, frame in enumerate(reader.frames()):
        if cuts.is_cut(frame):
            _detect(tracker, number - 1, last)
            tracker.begin_scene()
            scenes.append(number)
        if tracker.is_due(number):
            _detect(tracker, number, frame)
        times.append(frame.pts)
        last = frame
        on_frame(number)
    _detect(tracker, len(times) - 1, last)
    assert last is not None
    return VideoAnalysis(
        reader.stream_format(last),
        np.array(times, np.int64),
        tuple(scenes),
        tuple(tracker.tracks),
        last.interlaced_frame,
        reader.broken_packets,
    )


def _detect(tracker: Tracker, number: int, frame: VideoFrame | None) -> None:
    if frame is not None and number > tracker.last_frame:
        tracker.update(number, to_rgb(frame))


class CutDetector:
    """Detects cuts, frame by frame, by sudden changes of a thumbnail."""

    def __init__(self) -> None:
        self._thumbnail: NDArray[np.float32] | None = None
        self._usual = FIRST_DIFFERENCE

    def is_cut(self, frame: VideoFrame) -> bool:
        """Whether there is a cut between this frame and the one before."""
        thumbnail = frame.reformat(THUMBNAIL, THUMBNAIL, format="gray", interpolation="AREA").to_ndarray().astype(np.float32)
        if self._thumbnail is None:
            self._thumbnail = thumbnail
            return False
        difference = float(np.abs(thumbnail - self._thumbnail).mean())
        cut = difference > max(CUT, CUT_RATIO * self._usual)
        self._usual = FIRST_DIFFERENCE if cut else max(difference, 0.5 * self._usual)
        self._thumbnail = thumbnail
        return cut


@dataclass(frozen=True)
class Subject:
    """One subject in consecutive frames.

    Attributes:
        first: Number of its first frame.
        points: (T, P, 2), smoothed.
        weights: (T,) in 0..1: how much of the transfer it gets.
    """

    first: int
    points: Points
    weights: NDArray[np.float32]


def smoothed_subjects(
    analysis: VideoAnalysis, time_base: float, smoothing: float = SMOOTHING, largest: int | None = None
) -> list[Subject]:
    """The subjects of a video in every frame they are in.

    Args:
        analysis: The first pass.
        time_base: Unit of its times, in seconds.
        smoothing: Standard deviation of the window in seconds, see ``smooth_points``.
        largest: Only so many subjects of each scene, the largest; None: all.
    """
    times = (analysis.times - analysis.times[0]) * time_base
    subjects = []
    for start, end in zip(analysis.scenes, (*analysis.scenes[1:], len(times)), strict=True):
        enough = min(MIN_DETECTIONS, end - start)
        tracks = [track for track in analysis.tracks if start <= track.frames[0] < end and len(track.frames) >= enough]
        tracks.sort(key=lambda track: -sum(map(extent, track.points)))
        for track in tracks[:largest]:
            frames = np.arange(track.frames[0], track.frames[-1] + 1)
            points = smooth_points(times[track.frames], np.stack(track.points), times[frames], smoothing)
            weights = fade_weights(times[frames], comes=frames[0] > start, goes=frames[-1] < end - 1)
            subjects.append(Subject(int(frames[0]), points, weights))
    return subjects


def subjects_by_frame(subjects: Sequence[Subject], count: int) -> list[list[tuple[Points, float]]]:
    """For each of ``count`` frames the points (P, 2) and weights of the subjects in it."""
    frames: list[list[tuple[Points, float]]] = [[] for _ in range(count)]
    for subject in subjects:
        for number, (points, weight) in enumerate(zip(subject.points, subject.weights, strict=True), subject.first):
            if weight > 0:
                frames[number].append((points, float(weight)))
    return frames
