"""Who may use the page: pages of other sites may not, and uploads end where the disk would suffer."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

MOST_BYTES = 4 * 2**30
"""Bytes of photos and results that the page keeps at most."""
LARGEST_FILE = "200mb"
"""The largest photo or video that is taken, as gradio writes it."""
LONGEST_VIDEO = 60
"""Seconds of a video that is taken, at most."""
LONGEST_JOB = 1800
"""Seconds that a video may take. It must end before its files are deleted, an hour after they came."""

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Guard:
    """An ASGI middleware that refuses requests which a page of another site makes in the user's browser.

    A name that anyone can register may point to this machine (DNS rebinding), so the request's Host must be an IP address,
    localhost or this machine's own name. A browser names the page that makes a request in Origin: it must be this one.

    Args:
        app: The page's application.
        folder: Where uploads are stored.
    """

    def __init__(self, app: App, folder: Path) -> None:
        self.app = app
        self.folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with a refusal."""
        refusal = self._refusal(scope) if scope["type"] in ("http", "websocket") else None
        if refusal is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": refusal[1]})
        else:
            status, reason = refusal
            headers = [(b"content-type", b"text/plain; charset=utf-8")]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": reason.encode()})

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """The status and the reason of a refusal; None: the request is passed on."""
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host, origin = headers.get("host", ""), headers.get("origin")
        if not is_own_name(host):
            return (
                403,
                f"refused: this machine is not called {host or 'nothing'}; open the page by the address that was printed",
            )
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            return 403, f"refused: a page of {origin} may not use this one"
        if "/upload" in scope["path"] and scope.get("method") == "POST" and stored(self.folder) > MOST_BYTES:
            return 413, f"refused: photos and results take more than {MOST_BYTES // 2**30} GiB here; start the page again"
        return None


def is_own_name(host: str) -> bool:
    """Whether a Host header names this machine and cannot be another site's name for it.

    >>> is_own_name("127.0.0.1:7860"), is_own_name("[::1]:7860"), is_own_name("localhost"), is_own_name("evil.example:7860")
    (True, True, True, False)
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
        ipaddress.ip_address(name)
    except ValueError:
        name = host.rpartition(":")[0] or host
        return name.lower() in ("localhost", socket.gethostname().lower())
    return True


def stored(folder: Path) -> int:
    """Bytes of all files below a folder."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:  # deleted in the meantime
            continue
    return total
