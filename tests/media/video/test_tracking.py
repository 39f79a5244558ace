"""Points over time: whose they are, smooth, fading; all with known answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pytest
from numpy.typing import NDArray

from attrxfer.media.video.flicker import flicker
from attrxfer.media.video.muxing import decode_times
from attrxfer.media.video.smoothing import FADE, fade_weights, smooth_points
from attrxfer.media.video.tracking import Tracker
from tests.media.video.made import SIZE, Bright, Dots, moving, photos, scene

TIMES = np.arange(60) / 25


def path(times: NDArray[np.float64]) -> NDArray[np.float32]:
    """Two points that move on parabolas."""
    x = 40 + 30 * times - 12 * times**2
    return np.stack([np.stack([x, 0.5 * x], -1), np.stack([x + 20, 60 - x], -1)], 1).astype(np.float32)


# ---------------------------------------------------------------- smoothing


def test_smoothing_leaves_a_parabola_as_it_is() -> None:
    np.testing.assert_allclose(smooth_points(TIMES, path(TIMES), TIMES), path(TIMES), atol=1e-3)


def test_smoothing_takes_the_noise_off_points() -> None:
    noisy = path(TIMES) + np.random.default_rng(0).normal(0, 1, (60, 2, 2)).astype(np.float32)
    left = smooth_points(TIMES, noisy, TIMES) - path(TIMES)
    assert left.std() < 0.6  # the standard deviation was 1
    assert np.diff(left, axis=0).std() < 0.25 * np.diff(noisy - path(TIMES), axis=0).std()


def test_one_false_look_and_missing_looks_do_not_show() -> None:
    wrong = path(TIMES)
    wrong[30] += 25
    np.testing.assert_allclose(smooth_points(TIMES, wrong, TIMES), path(TIMES), atol=0.05)
    kept = np.r_[0:20, 27:60]
    np.testing.assert_allclose(smooth_points(TIMES[kept], path(TIMES[kept]), TIMES), path(TIMES), atol=0.01)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_few_looks_are_enough(count: int) -> None:
    found = smooth_points(TIMES[:count], path(TIMES[:count]), TIMES[:count])
    np.testing.assert_allclose(found, path(TIMES[:count]), atol=1e-3)


def test_width_zero_only_fills_in() -> None:
    noisy = path(TIMES) + np.random.default_rng(0).normal(0, 1, (60, 2, 2)).astype(np.float32)
    np.testing.assert_array_equal(smooth_points(TIMES, noisy, TIMES, 0), noisy)


def test_who_comes_and_goes_fades() -> None:
    np.testing.assert_array_equal(fade_weights(TIMES, False, False), 1)
    weight = fade_weights(TIMES, True, True)
    assert weight[0] == weight[-1] == 0 and np.abs(np.diff(weight)).max() < 0.4
    np.testing.assert_array_equal(weight[(TIMES >= FADE) & (TIMES[-1] - FADE >= TIMES)], 1)


# ---------------------------------------------------------------- tracks


def followed(images: Iterable[NDArray[np.uint8]], detector: Bright, step: int = 1) -> Tracker:
    tracker = Tracker(detector.detect, step)
    for number, image in enumerate(images):
        if tracker.is_due(number):
            tracker.update(number, image)
    return tracker


def test_one_square_is_one_track_at_the_right_places() -> None:
    (track,) = followed(moving(), Bright()).tracks
    assert track.frames == list(range(24))
    found = np.stack(track.points)[:, 2]
    np.testing.assert_allclose(found[:, 0], 36.5 + 0.6 * np.arange(24), atol=0.5)


def test_a_dropped_look_is_bridged() -> None:
    (track,) = followed(moving(), Bright(blind=(9, 10, 11))).tracks
    assert track.frames[0] == 0 and track.frames[-1] == 23 and 20 <= len(track.frames) < 24


def test_squares_that_pass_each_other_do_not_swap() -> None:
    def images(at: Callable[[int], list[tuple[float, float, float]]]) -> list[NDArray[np.uint8]]:
        return [scene(at(i), 160, 80) for i in range(40)]

    # the lower one overtakes the upper one, close by
    tracker = followed(images(lambda i: [(10 + 1.5 * i, 8, 26), (50 + 0.3 * i, 40, 26)]), Bright())
    upper, lower = sorted(tracker.tracks, key=lambda track: track.points[0][2, 1])
    assert len(tracker.tracks) == 2 and upper.frames == lower.frames == list(range(40))
    assert np.ptp(np.stack(upper.points)[:, 2, 1]) < 1 and np.ptp(np.stack(lower.points)[:, 2, 1]) < 1
    # meeting head on: they are one blob for a while, and each goes on as it was going
    tracker = followed(images(lambda i: [(4 + 3.2 * i, 20, 24), (132 - 3.2 * i, 22, 24)]), Bright())
    for track in tracker.tracks:
        assert np.abs(np.diff(np.stack(track.points)[:, 2, 0]) / np.diff(track.frames)).max() < 4


def test_who_comes_in_between_two_searches_is_followed_back() -> None:
    empty, square = scene([]), scene([(30, 20, 34)])
    tracker = followed([square if i >= 3 else empty for i in range(30)], Bright())
    (track,) = tracker.tracks
    assert track.frames == list(range(3, 30))
    assert tracker.detect.__self__.calls < 60  # type: ignore[attr-defined]


def test_another_scene_is_another_track() -> None:
    tracker = Tracker(Bright().detect, 1)
    tracker.update(0, scene([(30, 20, 34)]))
    tracker.begin_scene()
    assert tracker.is_due(1)
    tracker.update(1, scene([(30, 20, 34)]))
    assert [track.frames for track in tracker.tracks] == [[0], [1]]


# ---------------------------------------------------------------- flicker and times


def test_flicker_is_the_ratio_of_changes() -> None:
    before, detector, dots = moving(), Bright(), Dots()
    points = [detector.detect(image)[0] for image in before]
    alignment = np.array(dots.metadata["alignment"], np.float32)
    assert flicker(before, before, points, alignment, SIZE) == pytest.approx(1)
    halved = [(128 + (image.astype(np.float32) - 128) / 2).round().astype(np.uint8) for image in before]
    assert flicker(before, halved, points, alignment, SIZE) == pytest.approx(0.5, abs=0.15)
    blinking = [image if i % 2 else halved[i] for i, image in enumerate(before)]
    assert flicker(before, blinking, points, alignment, SIZE) > 3


@pytest.mark.slow
def test_smoothed_points_flicker_less() -> None:
    before = moving(40)
    clean = [Bright().detect(image)[0] for image in before]
    noisy = np.stack(clean) + np.random.default_rng(1).normal(0, 0.8, (40, 5, 2)).astype(np.float32)
    calm = smooth_points(TIMES[:40], noisy, TIMES[:40])
    own = photos()
    ratios = []
    for points in (noisy, calm):
        after = [own(image, 1.0, points=each[None]).image for image, each in zip(before, points, strict=True)]
        ratios.append(flicker(before, after, clean, own.alignment, SIZE))
    assert ratios[1] < ratios[0] and ratios[1] < 1.2


def test_frames_are_decoded_in_time() -> None:
    shown, order = np.array([0, 40, 90, 130, 300]), np.array([0, 3, 1, 2, 4])
    decoded = decode_times(shown, order, 40)
    assert decoded.tolist() == [-40, 0, 40, 90, 130] or decoded.tolist() == [-80, -40, 0, 40, 90]
    assert (np.diff(decoded) > 0).all() and (decoded <= shown[order]).all()
    np.testing.assert_array_equal(decode_times(shown, np.arange(5), 40), shown)
