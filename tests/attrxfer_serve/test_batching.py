"""Requests that come together are transferred together, and harm one another in nothing."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor

import numpy as np
import pytest
from attrxfer_serve.batching import Batcher

from tests.attrxfer_demo.conftest import SIZE
from tests.attrxfer_serve.conftest import MakeClient, Negative, decoded, encoded, noise
from tests.attrxfer_serve.test_app import post


class Counted:
    """Doubles numbers; waits for ``go`` first, and notes its batches."""

    def __init__(self) -> None:
        self.go, self.busy = threading.Event(), threading.Event()
        self.batches: list[list[int]] = []

    def __call__(self, items: Sequence[int]) -> Sequence[int]:
        self.busy.set()
        assert self.go.wait(10)
        self.batches.append(list(items))
        if 13 in items:
            raise ValueError("13")
        return [2 * item for item in items]


def test_what_waits_goes_in_one_batch_of_a_kind_the_oldest_first() -> None:
    work, batcher = Counted(), Batcher(3)
    first = batcher.submit("a", work, 0)
    assert work.busy.wait(10)
    later = [batcher.submit(kind, work, number) for number, kind in enumerate("abaaba", 1)]
    assert batcher.waiting == 6
    work.go.set()
    assert [result.result(10) for result in (first, *later)] == [0, 2, 4, 6, 8, 10, 12]
    assert work.batches == [[0], [1, 3, 4], [2, 5], [6]]
    batcher.close()
    assert not batcher.alive


def test_one_that_fails_harms_no_other() -> None:
    work, batcher = Counted(), Batcher(8)
    first = batcher.submit("a", work, 0)
    assert work.busy.wait(10)
    results = [batcher.submit("a", work, number) for number in (1, 13, 2)]
    work.go.set()
    assert first.result(10) == 0 and results[0].result(10) == 2 and results[2].result(10) == 4
    with pytest.raises(ValueError, match="13"):
        results[1].result(10)
    batcher.close()


def test_what_is_cancelled_is_not_worked_on() -> None:
    work, batcher = Counted(), Batcher(8)
    batcher.submit("a", work, 0)
    assert work.busy.wait(10)
    gone, kept = batcher.submit("a", work, 1), batcher.submit("a", work, 2)
    assert gone.cancel()
    work.go.set()
    assert kept.result(10) == 4 and work.batches == [[0], [2]]
    batcher.close()


def test_at_the_end_what_waits_is_cancelled() -> None:
    work, batcher = Counted(), Batcher(1)
    batcher.submit("a", work, 0)
    assert work.busy.wait(10)
    waits = batcher.submit("a", work, 1)
    closing = threading.Thread(target=batcher.close)
    closing.start()
    with pytest.raises(CancelledError):
        waits.result(10)
    work.go.set()
    closing.join(10)
    assert work.batches == [[0]] and not batcher.alive


def test_many_clients_get_their_own_results_in_few_batches(client: MakeClient) -> None:
    model = Negative(seconds=0.05)
    one = client(model, batch_size=8)
    crops = [noise(SIZE, SIZE, seed) for seed in range(16)]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda crop: post(one, encoded(crop), aligned=True), crops))
    for crop, answer in zip(crops, answers, strict=True):
        np.testing.assert_array_equal(decoded(answer.content), 255 - crop)
    sizes = [size for size, _ in model.batches]
    assert sum(sizes) == 16 and 1 < max(sizes) <= 8 and len(sizes) < 12


def test_requests_of_different_strengths_are_not_mixed(client: MakeClient) -> None:
    one = client(Negative(seconds=0.05))
    crop = np.full((SIZE, SIZE, 3), 100, np.uint8)
    strengths = [0.2, 0.6, 1.0] * 3
    with ThreadPoolExecutor(9) as pool:
        answers = list(pool.map(lambda strength: post(one, encoded(crop), aligned=True, strength=strength), strengths))
    assert [int(decoded(answer.content)[0, 0, 0]) for answer in answers] == [111, 133, 155] * 3


def test_too_many_requests_are_refused(client: MakeClient) -> None:
    one = client(Negative(seconds=0.3), requests=2)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda seed: post(one, encoded(noise(SIZE, SIZE, seed)), aligned=True), range(6)))
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(200) >= 2 and statuses.count(503) >= 1
    assert {answer.json()["error"] for answer in answers if answer.status_code == 503} == {
        "busy with 2 requests: try again later"
    }
    assert one.app.state.service.batcher.waiting == 0  # type: ignore[attr-defined]
