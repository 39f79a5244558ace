"""The command ``attrxfer demo``."""

from __future__ import annotations

import errno
import os
import signal
import socket
import threading
import webbrowser
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from attrxfer.errors import AttrxferError
from attrxfer.plugin.distribution import install
from attrxfer.plugin.options import DEVICE, PATH

if TYPE_CHECKING:
    from attrxfer.plugin.registry import Registry

FIRST, MAKES_IT = Path("runs/diat_a_gender"), "attrxfer run recipes/diat_a_gender.toml"
"""The run that the README's first command makes, and that command."""
PORTS = 100
LOOPBACK = ("127.0.0.1", "localhost", "::1")
SWITCHES = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
"""Gradio reads these variables when it is imported; without them it connects to other machines."""


@click.command()
@click.argument("models", nargs=-1, type=PATH, metavar="[MODEL]...")
@click.option("--port", type=click.IntRange(1, 65535), default=7860, show_default=True, help="The first port to try.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--detector", metavar="NAME", help="What detects the subjects of a photo.  [default: the one that a plugin sets]")
@DEVICE
@click.option("--no-browser", is_flag=True, help="Open no browser.")
@click.pass_obj
def demo(
    registry: Registry,
    models: tuple[Path, ...],
    port: int,
    host: str,
    detector: str | None,
    device: str,
    no_browser: bool,
) -> None:
    """Open a page to try models on photos.

    A MODEL is a bundle, a finished run, an exported file, or a method or a shipped model by name. Without
    MODEL it is all shipped models, and the run that the README's first command makes, runs/diat_a_gender, if it is here.
    """
    models = models or _default_models()
    if find_spec("gradio") is None:
        raise AttrxferError(f"missing: gradio: {install('ui')}")
    from attrxfer_demo.offer import offers
    from attrxfer_demo.photo_folder import photo_folder, sweep

    found = offers(models, detector, registry, device)
    for each in found:
        click.echo(f"{each.path}: {each.label}" + (f"\n  {each.crops_only}" if each.crops_only else ""))
    if host not in LOOPBACK:
        click.echo(f"warning: --host {host} lets every machine that reaches this one use the page", err=True)
    if (swept := sweep()) > 0:
        click.echo(f"deleted: the photos of {swept} page{'s' * (swept != 1)} that {'were' if swept != 1 else 'was'} killed")
    with photo_folder() as folder:
        os.environ.update(SWITCHES, GRADIO_TEMP_DIR=str(folder), NO_PROXY="*", no_proxy="*")
        from attrxfer_demo.page import serving

        taken = free_port(host, port)
        with serving(found, registry, folder, host, taken) as url:
            moved = f" (port {port} is taken)" if taken != port else ""
            click.echo(f"photos are kept in {folder} while the page is open, and then deleted")
            click.echo(f"page: {url}{moved}; end it with Ctrl-C")
            if not no_browser:
                webbrowser.open(url)
            _wait()
    click.echo("closed, and the photos deleted")


def _default_models() -> tuple[Path, ...]:
    """The shipped models, and the run of the README's first command where it is here."""
    from attrxfer.plugin.host import load

    first = [FIRST] if FIRST.is_dir() else []
    found = (*first, *map(Path, load().models()))
    if not found:
        raise AttrxferError(f"no installed plugin ships a model; make one with: {MAKES_IT}, or name one: attrxfer demo MODEL")
    return found


def _wait() -> None:
    """Return at Ctrl-C, at SIGTERM, or when the terminal is closed."""
    asked = threading.Event()
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):  # Windows has no SIGHUP
            signal.signal(getattr(signal, name), lambda *_: asked.set())
    asked.wait()


def free_port(host: str, wanted: int) -> int:
    """Find the first free port, starting with ``wanted``.

    Raises:
        AttrxferError: This machine does not have the address ``host``, or all tried ports are taken.
    """
    try:
        family, _, _, _, (address, *_) = socket.getaddrinfo(host, wanted, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise AttrxferError(f"--host {host}: {error.strerror or error}") from None
    for port in range(wanted, min(wanted + PORTS, 65536)):
        with socket.socket(family, socket.SOCK_STREAM) as found:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                found.bind((address, port))
            except OSError as error:
                if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                    raise AttrxferError(f"--host {host}: {error.strerror}") from None
                continue
            return port
    raise AttrxferError(f"--port {wanted}: taken, as are the {PORTS} after it; name another one")
