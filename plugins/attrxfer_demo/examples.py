"""Examples of what models do: a run's own samples, and drawn faces for the models without."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from attrxfer.errors import AttrxferError
from attrxfer.interfaces import Dataset
from attrxfer.plugin.parameters import build, named
from attrxfer_demo.offer import Offer
from attrxfer_demo.studio import view

if TYPE_CHECKING:
    from attrxfer.plugin.registry import Registry

SAMPLES = 12
"""Samples of a run, at most."""
DRAWN, DRAWN_SIZE, CANDIDATES, SHOWN = "synthetic_faces", 384, 60, 6
"""The data set of drawn faces, their side in pixels, how many are drawn, and how many are shown at most."""
SHOWN_SIZE = 256
"""Side of a drawn face in pixels as it is shown."""


class Example(NamedTuple):
    """An example of a model.

    Attributes:
        source: The image before, uint8 (H, W, 3).
        column: Above one another: source, result and, where it is known, the exact truth.
        crop: The source is framed as the training images are.
    """

    source: NDArray[np.uint8]
    column: NDArray[np.uint8]
    crop: bool


class Examples:
    """The examples of the page's models, made when they are first asked for.

    Args:
        offers: The models.
        registry: Where the data set of drawn faces is found.
        folder: Where images that are shown are written.
    """

    def __init__(self, offers: Sequence[Offer], registry: Registry, folder: Path) -> None:
        self.offers = tuple(offers)
        self.registry = registry
        self.folder = folder
        self._lock = threading.Lock()
        self._made = functools.cache(self._make)

    def of(self, number: int) -> tuple[Example, ...]:
        """The examples of an offer; none where it has no run and takes no photos, or drawn faces are not installed."""
        with self._lock:
            return self._made(number)

    def columns(self, number: int) -> list[Path]:
        """The examples of an offer as files to be shown."""
        return [
            view(self._folder(number) / f"{place}.jpg", lambda column=each.column: column)  # type: ignore[misc]
            for place, each in enumerate(self.of(number))
        ]

    def source(self, number: int, place: int) -> tuple[Path, bool]:
        """The source of an example as a file, and whether it is a crop."""
        example = self.of(number)[place]
        name = f"{self.offers[number].name}-{'sample' if example.crop else 'drawn'}-{place + 1}.png"
        return view(self._folder(number) / name, lambda: example.source), example.crop

    def _make(self, number: int) -> tuple[Example, ...]:
        offer = self.offers[number]
        return samples(offer.path, offer.transfer.size) or tuple(drawn(offer, self.registry))

    def _folder(self, number: int) -> Path:
        folder = self.folder / f"examples-{number}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def drawn(offer: Offer, registry: Registry) -> Iterator[Example]:
    """Drawn faces without a model's attributes, of as many people, and its results. Those that the detector does not find are
    left out."""
    if offer.photos is None:
        return
    try:
        settings = {"size": DRAWN_SIZE, "faces": CANDIDATES, "faces_per_identity": 1}
        faces: Dataset = build(named("dataset", DRAWN, registry, settings=settings))
    except AttrxferError:  # no plugin draws faces here
        return
    attributes, guided = faces.records().attributes, offer.transfer.guided
    if not guided.keys() <= attributes.keys():
        return
    found = 0
    for row in range(CANDIDATES):
        if any(attributes[name][row] == value for name, value in guided.items()):
            continue
        (source,) = faces.read([row])
        assert isinstance(source, np.ndarray)
        result = offer.photos(source)
        if result.crops.similarities:
            pair = np.concatenate([source, result.image])
            yield Example(source, np.asarray(Image.fromarray(pair).resize((SHOWN_SIZE, 2 * SHOWN_SIZE))), crop=False)
            found += 1
        if found == SHOWN:
            return


def samples(path: Path, size: int) -> tuple[Example, ...]:
    """Read the samples of a run's folder; empty for a bundle alone."""
    strips = [_strip(path / "samples" / f"{name}.png", size) for name in ("source", "result", "truth")]
    if not (strips[0] and strips[1]):
        return ()
    columns = zip(*(strip for strip in strips if strip), strict=False)
    return tuple(Example(parts[0], np.concatenate(parts), crop=True) for parts in columns)[:SAMPLES]


def _strip(path: Path, size: int) -> list[NDArray[np.uint8]]:
    """The images of a file that holds them side by side."""
    if not path.is_file():
        return []
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB"))
    return np.split(pixels, pixels.shape[1] // size, axis=1) if pixels.shape[1] % size == 0 else []
