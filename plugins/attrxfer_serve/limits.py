"""What a request may cost: bytes, seconds, and pixels in memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import HTTPException

ROOM = 64 * 1024
"""Bytes of a request beside its image: the other fields, and what separates them."""

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


@dataclass(frozen=True)
class Limits:
    """What the server accepts.

    Attributes:
        megabytes: Size of an image file (1 MB is 1,000,000 bytes).
        megapixels: Pixels of an image, in millions.
        seconds: Time from a request's beginning to its answer's end.
        requests: Requests at once; further ones are refused until one has ended.
        batch_size: Images that the networks get at once.
    """

    megabytes: float = 20
    megapixels: float = 50
    seconds: float = 60
    requests: int = 128
    batch_size: int = 32


class Gate:
    """An ASGI middleware that refuses requests which are too large, too slow, or too many.

    Args:
        app: The application.
        limits: What is accepted.
    """

    def __init__(self, app: App, limits: Limits) -> None:
        self.app, self.limits = app, limits
        self.active = 0

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with a refusal. Questions (GET) are always passed on."""
        if scope["type"] != "http" or scope["method"] != "POST":
            return await self.app(scope, receive, send)
        if self.active >= self.limits.requests:
            return await refuse(send, 503, f"busy with {self.active} requests: try again later")
        started = False

        async def noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        self.active += 1
        try:
            async with asyncio.timeout(self.limits.seconds):
                await self.app(scope, self._counted(scope, receive), noted)
        except TimeoutError:
            if not started:
                await refuse(send, 503, f"took longer than {self.limits.seconds:g} seconds")
        finally:
            self.active -= 1

    def _counted(self, scope: MutableMapping[str, Any], receive: Receive) -> Receive:
        """``receive``, which refuses to read more than is accepted."""
        most = int(self.limits.megabytes * 1e6) + ROOM
        stated = dict(scope["headers"]).get(b"content-length", b"0")
        read = int(stated) if stated.isdigit() and int(stated) > most else 0

        async def counted() -> Message:
            nonlocal read
            message = await receive() if read <= most else {}
            read += len(message.get("body", b""))
            if read > most:
                raise HTTPException(413, f"more than {self.limits.megabytes:g} MB")
            return message

        return counted


async def refuse(send: Send, status: int, reason: str) -> None:
    """Answer with an error in JSON."""
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps({"error": reason}).encode()})


class PixelBudget:
    """Lets images of so many pixels be in memory at once; a larger one is alone there.

    Args:
        most: Pixels.
    """

    def __init__(self, most: int) -> None:
        self.most, self._held = most, 0
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def hold(self, pixels: int) -> AsyncIterator[None]:
        """Wait until there is room for an image, and keep it inside the context."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._held or self._held + pixels <= self.most)
            self._held += pixels
        try:
            yield
        finally:
            async with self._changed:
                self._held -= pixels
                self._changed.notify_all()
