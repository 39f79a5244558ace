"""Requests end where they would cost too much."""

from __future__ import annotations

import asyncio
import json
from collections.abc import MutableMapping
from typing import Any

import pytest
from attrxfer_serve.limits import ROOM, Gate, Limits, PixelBudget
from fastapi import HTTPException

MOST = 100_000 + ROOM
"""Bytes of a request where images may have 0.1 MB."""


async def read_all(scope: Any, receive: Any, send: Any) -> None:
    """An application that reads the whole body."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})


def ask(app: Any, headers: list[tuple[bytes, bytes]], limits: Limits) -> tuple[list[MutableMapping[str, Any]], int]:
    """Post an endless body: what is answered, and how many bytes of it are read."""
    sent: list[MutableMapping[str, Any]] = []
    read = 0

    async def receive() -> MutableMapping[str, Any]:
        nonlocal read
        read += 10_000
        return {"type": "http.request", "body": bytes(10_000), "more_body": True}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    asyncio.run(Gate(app, limits)({"type": "http", "method": "POST", "headers": headers}, receive, send))
    return sent, read


def test_a_body_is_read_no_further_than_the_limit() -> None:
    answers: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            await read_all(scope, receive, send)
        except HTTPException as error:
            answers.append(f"{error.status_code} {error.detail}")

    for headers, most in (([], MOST + 10_000), ([(b"content-length", b"1000000000")], 0)):
        _, read = ask(app, headers, Limits(megabytes=0.1))
        assert answers.pop() == "413 more than 0.1 MB" and read <= most


def test_a_request_that_takes_too_long_is_ended_and_counts_no_more() -> None:
    ended = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            await asyncio.sleep(10)
        finally:
            ended.append(True)

    sent, _ = ask(app, [], Limits(seconds=0.05))
    assert ended and sent[0]["status"] == 503 and json.loads(sent[1]["body"]) == {"error": "took longer than 0.05 seconds"}


def test_questions_pass_where_nothing_else_does() -> None:
    gate = Gate(read_all, Limits(requests=0))

    async def ask_both() -> list[Any]:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message.get("status"))

        async def receive() -> Any:
            return {}

        for method in ("GET", "POST"):
            await gate({"type": "http", "method": method, "headers": []}, receive, send)
        return sent

    assert asyncio.run(ask_both()) == [200, 503, None]


def test_images_wait_until_there_is_room_and_a_larger_one_is_alone() -> None:
    async def work() -> list[int]:
        budget, held, together = PixelBudget(10), [], []

        async def image(pixels: int) -> None:
            async with budget.hold(pixels):
                held.append(pixels)
                together.append(sum(held))
                await asyncio.sleep(0.001)
                held.remove(pixels)

        await asyncio.gather(*map(image, (4, 6, 25, 5, 5, 1)))
        return together

    together = asyncio.run(work())
    assert len(together) == 6 and sorted(together)[-1] == 25 and max(each for each in together if each != 25) == 10


def test_who_stops_waiting_holds_nothing() -> None:
    async def work() -> None:
        budget = PixelBudget(10)
        async with budget.hold(10):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01), budget.hold(5):
                    raise AssertionError("there is no room")
        async with asyncio.timeout(1), budget.hold(10):
            pass

    asyncio.run(work())
