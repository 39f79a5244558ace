"""Several photos transferred at once, as ``attrxfer transfer`` does, and packed into one file."""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from attrxfer.errors import DataError
from attrxfer.media.batch import FileResult, process_files
from attrxfer.media.files import FileTask
from attrxfer.media.image_processor import image_processor
from attrxfer.media.images import open_rgb
from attrxfer.media.provenance import provenance_of
from attrxfer_demo.offer import Offer
from attrxfer_demo.steps import Steps
from attrxfer_demo.studio import VIEW, view

KEPT_EVERY = 60.0
"""Seconds after which waiting photos are made to look new; the page deletes files after an hour."""


@dataclass(frozen=True)
class Finished:
    """A photo that is done.

    Attributes:
        result: What became of it.
        view: The result as the page shows it; None where there is none.
        done: How many photos are done.
        total: How many there are.
    """

    result: FileResult
    view: Path | None
    done: int
    total: int


def transfer_photos(offer: Offer, photos: Sequence[Path], strength: float, folder: Path) -> Steps[Finished | Path]:
    """Transfer photos; steps are the photos that are done, and at the end the archive of the results, if there are any.

    Args:
        offer: The model.
        photos: The photos.
        strength: Strength of the transfer.
        folder: Where what is shown and downloaded is written.
    """

    def work(tell: Callable[[Finished | Path], None]) -> None:
        own = Path(tempfile.mkdtemp(dir=folder))
        out = own / "out"
        names = unique_names(photo.name for photo in photos)
        tasks = [FileTask(photo, Path(name), out) for photo, name in zip(photos, names, strict=True)]

        kept = time.monotonic()

        def finished(result: FileResult, done: int, total: int) -> None:
            nonlocal kept
            if time.monotonic() - kept >= KEPT_EVERY:
                keep(photos)
                kept = time.monotonic()
            tell(Finished(result, _shown(result, own, out), done, total))

        processor = image_processor(offer.transfer, offer.photos, strength, provenance_of(offer.transfer, strength))
        try:
            process_files(tasks, [processor], on_result=finished)
            if out.is_dir():
                tell(pack({path.name: path for path in sorted(out.iterdir())}, own / f"{offer.name}-{strength:g}.zip"))
        finally:
            shutil.rmtree(out, ignore_errors=True)

    return Steps(work)


def keep(files: Iterable[Path]) -> None:
    """Make files look new, so that the page does not delete those that still wait for their turn."""
    for file in files:
        with suppress(OSError):  # the visitor has closed the page, and gradio has deleted it
            os.utime(file)


def unique_names(names: Iterable[str]) -> list[str]:
    """Names of files, where one that is taken gets a number.

    >>> unique_names(["a.jpg", "b.jpg", "A.jpg"])
    ['a.jpg', 'b.jpg', 'A-2.jpg']
    """
    taken: dict[str, str] = {}
    for name in names:
        new, number = name, 1
        while new.lower() in taken:
            number += 1
            new = f"{Path(name).stem}-{number}{Path(name).suffix}"
        taken[new.lower()] = new
    return list(taken.values())


def pack(files: Mapping[str, Path], archive: Path) -> Path:
    """Write files into an archive under these names; images and videos are compressed already."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as file:
        for name, path in files.items():
            file.write(path, name)
    return archive


def _shown(result: FileResult, own: Path, out: Path) -> Path | None:
    """The result of a photo as the page shows it."""
    if result.outcome not in ("changed", "copied"):
        return None
    try:
        image = open_rgb(out / result.name)
    except DataError:  # it was copied, and cannot be shown
        return None
    image.thumbnail((VIEW, VIEW))
    return view(own / f"{result.name.name}.jpg", functools.partial(np.asarray, image))
