"""A service without networks or a face detector, and a client that speaks to its application without a socket."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from attrxfer.errors import DataError
from attrxfer.model.calling import CallableModel
from attrxfer.plugin.host import Host
from tests.attrxfer_demo.conftest import ALIGNMENT, SIZE, Known

pytest.importorskip("fastapi_offline", reason="needs pip install 'attrxfer[serve]'")
pytest.importorskip("multipart", reason="needs pip install 'attrxfer[serve]'")
from attrxfer_serve import service as services
from attrxfer_serve.app import application
from attrxfer_serve.limits import Limits
from attrxfer_serve.service import Service
from starlette.testclient import TestClient


class Negative(CallableModel):
    """Makes an image's negative, notes the batches it was given, and takes its time."""

    name, size, framing = "negative", SIZE, None

    def __init__(self, *, aligned: bool = True, reach: int | None = None, seconds: float = 0) -> None:
        self.guided = {"Dark": True}
        self.alignment = np.array(ALIGNMENT, np.float32) if aligned else None
        self.metadata = {"task": {"name": "negative", "guided": {"Dark": True}}, "sha256": {"w": "abc"}, "licences": ["MIT"]}
        self.metadata |= {} if reach is None else {"reach": reach}
        self.seconds = seconds
        self.batches: list[tuple[int, float]] = []

    def images(self, images_u8: NDArray[np.uint8], strength: float = 1.0) -> NDArray[np.uint8]:
        if images_u8[..., 0].min(initial=255) == 13 and images_u8.max() == 13:
            raise RuntimeError("a black cat")
        self.batches.append((len(images_u8), strength))
        time.sleep(self.seconds)
        values = images_u8.astype(np.float32)
        return (values + strength * (255 - 2 * values)).clip(0, 255).round().astype(np.uint8)


class Channels(Negative):
    """Makes some channels of an image negative, as a request chooses."""

    can_change = ("Red", "Green", "Blue")

    def __init__(self, wanted: Mapping[str, bool] | None = None) -> None:
        super().__init__()
        self.guided = dict(wanted or {"Red": True})
        self.metadata = {**self.metadata, "task": {"name": "channels", "guided": self.guided}}
        self.made: list[Channels] = []
        self.takes, self.refuses = 0.0, False

    def changing(self, wanted: Mapping[str, bool]) -> Channels:
        if self.refuses:
            raise DataError("the backend has no such layer")
        time.sleep(self.takes)
        self.made.append(Channels(wanted))
        return self.made[-1]

    def images(self, images_u8: NDArray[np.uint8], strength: float = 1.0) -> NDArray[np.uint8]:
        negative = super().images(images_u8, strength)
        chosen = [self.guided.get(name, False) for name in self.can_change]
        return np.where(chosen, negative, images_u8)


MakeClient = Callable[..., TestClient]


@pytest.fixture
def client(host: Host, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeClient]:
    """Makes a client of a service of a model; subjects are in ``squares`` of every photo."""
    with ExitStack() as stack:

        def make(model: Negative | None = None, squares: Any = ((8, 8, 64),), **limits: float) -> TestClient:
            monkeypatch.setattr(services, "load_detector", lambda *_: Known(*squares))
            service = Service(model or Negative(), Limits(**limits), None, host.registry)  # type: ignore[arg-type]
            service.model.batches.clear()  # type: ignore[attr-defined]
            stack.callback(service.close)
            app = application(service, tmp_path_factory.mktemp("uploads"))
            return stack.enter_context(TestClient(app, raise_server_exceptions=False))

        yield make


def encoded(image: NDArray[np.uint8], form: str = "PNG", **options: Any) -> bytes:
    """An image file."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, form, **options)
    return buffer.getvalue()


def decoded(content: bytes) -> NDArray[np.uint8]:
    """The pixels of an image file."""
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def noise(height: int = 96, width: int = 128, seed: int = 0) -> NDArray[np.uint8]:
    """An image without any meaning."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)
