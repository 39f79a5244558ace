"""The command ``attrxfer serve``."""

from __future__ import annotations

import contextlib
import socket
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from attrxfer.errors import AttrxferError
from attrxfer.model.attribute_words import in_words
from attrxfer.plugin.distribution import install
from attrxfer.plugin.options import DEVICE, PATH, attribute

if TYPE_CHECKING:
    from attrxfer.plugin.registry import Registry
    from attrxfer_serve.service import Service

LOOPBACK = ("127.0.0.1", "localhost", "::1")
MODULES = {
    "fastapi": "fastapi",
    "fastapi_offline": "fastapi-offline",
    "uvicorn": "uvicorn",
    "python_multipart": "python-multipart",
}
"""Modules of the extra ``serve``, and the packages that they are in."""
PREFIX = "attrxfer-serve-"
LAST = 10
"""Seconds that requests have to end after Ctrl-C."""
BACKLOG = 2048
"""Connections that wait, at most, as uvicorn's default."""


@click.command()
@click.argument("model", type=PATH)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0: a free one.")
@click.option(
    "--detector", metavar="LOCATOR", help="What detects the subjects of a photo.  [default: the one that a plugin sets]"
)
@attribute("What a bundle for many attributes changes where a request says nothing")
@click.option(
    "--backend", default="torch", show_default=True, help="What runs a bundle's networks; auto takes the fastest here."
)
@DEVICE
@click.option(
    "--batch-size", type=click.IntRange(1), default=32, show_default=True, help="Images that the networks get at once."
)
@click.option("--most-mb", type=click.FloatRange(0, min_open=True), default=20, show_default=True, help="Of an image file.")
@click.option("--most-megapixels", type=click.FloatRange(0, min_open=True), default=50, show_default=True, help="Of an image.")
@click.option("--most-seconds", type=click.FloatRange(0, min_open=True), default=60, show_default=True, help="Of a request.")
@click.option("--most-requests", type=click.IntRange(1), default=128, show_default=True, help="At once; others are refused.")
@click.pass_obj
def serve(
    registry: Registry,
    model: Path,
    host: str,
    port: int,
    detector: str | None,
    attributes: dict[str, bool] | None,
    backend: str,
    device: str,
    batch_size: int,
    most_mb: float,
    most_megapixels: float,
    most_seconds: float,
    most_requests: int,
) -> None:
    """Serve a model over HTTP: post an image, get the image.

    MODEL is a bundle, a finished run, an exported file, or a method or a shipped model by name. Photos are transferred as
    `attrxfer transfer` does. The page /docs describes the requests, /health says whether the server works, and /model
    describes the model.
    """
    missing = [package for module, package in MODULES.items() if find_spec(module) is None]
    if missing:
        raise AttrxferError(f"missing: {', '.join(missing)}: {install('serve')}")
    from attrxfer_serve.limits import Limits
    from attrxfer_serve.service import Service, opened_model

    limits = Limits(most_mb, most_megapixels, most_seconds, most_requests, batch_size)
    # uvicorn raises a signal again when all requests have ended
    with contextlib.suppress(KeyboardInterrupt), listening(host, port) as sock:
        service = Service(opened_model(model, backend, registry, device, attributes), limits, detector, registry)
        task = service.model.metadata["task"]["name"]
        takes = "whole images" if service.reach is not None else "crops only" if service.crops_only else "photos and crops"
        click.echo(f"{model}: {task}; {takes}" + (f" ({service.crops_only})" if service.crops_only else ""))
        if service.model.can_change:
            chosen, choices = in_words(service.model.guided), ", ".join(service.model.can_change)
            click.echo(f"makes {chosen}; a request may choose with the field attribute: {choices}")
        click.echo(f"limits: {most_mb:g} MB, {most_megapixels:g} million pixels, {most_seconds:g} s, {most_requests} requests")
        if host not in LOOPBACK:
            click.echo(f"warning: --host {host} lets every machine that reaches this one use the server", err=True)
        name = f"[{host}]" if ":" in host else host
        click.echo(f"server: http://{name}:{sock.getsockname()[1]}, its page: /docs; end it with Ctrl-C")
        run(service, sock)
    click.echo("closed")


def run(service: Service, sock: socket.socket) -> None:
    """Serve until Ctrl-C or SIGTERM."""
    import uvicorn

    from attrxfer_serve.app import application

    with tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as folder:
        app = application(service, Path(folder))
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=LAST, lifespan="off")
        with contextlib.closing(service):
            uvicorn.Server(config).run(sockets=[sock])


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens on an address.

    Raises:
        AttrxferError: This machine does not have the address, or the port is taken.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise AttrxferError(f"--host {host}: {error.strerror or error}") from None
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
        found.listen(BACKLOG)  # who connects from now on waits until the server has started
    except OSError as error:
        found.close()
        raise AttrxferError(
            f"--host {host} --port {port}: {(error.strerror or str(error)).lower()}; name another one"
        ) from None
    return found
