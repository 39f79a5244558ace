"""A model at work: an uploaded file in, the file that ``attrxfer transfer`` would write out."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from PIL import Image

from attrxfer.errors import AttrxferError, DataError, did_you_mean, in_a_line
from attrxfer.interfaces import ChoosesBackend
from attrxfer.media.batch import Written, attempt
from attrxfer.media.detection import load_detector
from attrxfer.media.image_processor import image_processor
from attrxfer.media.images import open_rgb, opened, save_image
from attrxfer.media.photos import Photos
from attrxfer.media.processors import CROP
from attrxfer.media.provenance import provenance_of
from attrxfer.media.read_ahead import MOST_PIXELS, BatchedProcessor
from attrxfer.media.whole_images import IMAGE, reach_of
from attrxfer.model.attribute_words import in_words
from attrxfer.model.calling import CallableModel
from attrxfer.model.loading import CPU, load_model
from attrxfer_serve.batching import Batcher
from attrxfer_serve.limits import Limits, PixelBudget

if TYPE_CHECKING:
    from attrxfer.plugin.registry import Registry

DEFAULT_BACKEND = "torch"
THREADS = 4
"""Images that are decoded, searched for subjects, and encoded at once."""
CHOICES = 8
"""Choices of attributes whose models are kept, those asked for last."""
Form = Literal["png", "jpeg"]
Choice = tuple[tuple[str, bool], ...]
"""What results should have; empty: what the server was started for."""
Made = TypeVar("Made")


class TooLarge(DataError):
    """An image of more pixels than are accepted."""


class WrongAttribute(DataError):
    """An attribute that the model cannot change."""


class Service:
    """Transfers uploaded files, those that come together in one batch.

    Attributes:
        model: The model.
        limits: What is accepted.
        photos: Transfers the subjects of photos; None where it cannot.
        crops_only: Why it cannot, in a line; "" where it can, and for a model of whole images.
        subject: What is transferred, in the singular: "crop", "image", or what the detector detects.
    """

    def __init__(self, model: CallableModel, limits: Limits, detector: str | None, registry: Registry) -> None:
        """Bring a model and a detector together, and start the thread that transfers.

        Args:
            model: The model.
            limits: What is accepted.
            detector: The locator that detects subjects in photos; None: the default one. Where that cannot detect, crops
                are taken.
            registry: Where locators are found.

        Raises:
            AttrxferError: The named detector cannot detect, or the model cannot transfer images.
        """
        model.images(np.zeros((1, model.size, model.size, 3), np.uint8))  # what cannot run fails before the server starts
        self.model, self.limits = model, limits
        self.photos, self.crops_only = _photos(model, detector, registry)
        self.reach = reach_of(model)
        self.subject = IMAGE if self.reach is not None else self.photos.subject if self.photos else CROP
        self.batcher = Batcher(limits.batch_size)
        self._models: OrderedDict[Choice, asyncio.Task[CallableModel]] = OrderedDict()
        self._opening = CapacityLimiter(1)
        self._threads = CapacityLimiter(THREADS)
        self._pixels = PixelBudget(MOST_PIXELS)

    def close(self) -> None:
        """End the thread that transfers."""
        self.batcher.close()

    async def transfer(
        self,
        upload: Path,
        folder: Path,
        strength: float,
        form: Form | None,
        *,
        aligned: bool,
        wanted: Mapping[str, bool] | None = None,
    ) -> tuple[Path, Written]:
        """Transfer an uploaded file.

        Args:
            upload: The file.
            folder: An empty folder, for what is written on the way.
            strength: 0 is the image itself, 1 the transfer as trained.
            form: The result's format; None: the file's own.
            aligned: The image is a crop like those trained on.
            wanted: What a model for many attributes makes of it; None or empty: what the server was started for.

        Returns:
            The result's file; what was changed, and how it differs in form from the upload.

        Raises:
            Skipped: There is nothing to change.
            TooLarge: It has too many pixels.
            WrongAttribute: The model cannot change what is wanted.
            DataError: It cannot be read, or what the model takes is something else.
        """
        choice = tuple(sorted((wanted or {}).items()))
        model = await self._changing(choice)
        processor = self._processor(model, strength, aligned=aligned)
        pixels, own = await self._in_thread(upload, lambda: self._look(upload))
        async with self._pixels.hold(pixels):
            source = folder / f"image{_suffix(form or own)}"
            notes = await self._in_thread(upload, lambda: _convert(upload, source, own, form))
            item = await self._in_thread(source, lambda: processor.read(source))
            if item is None:
                return source, Written(notes=notes)
            kind = type(processor), strength, choice
            made = await asyncio.wrap_future(self.batcher.submit(kind, processor.transfer, item))
            out = folder / "result"
            written = await self._in_thread(source, lambda: processor.write(out / source.name, made))
            (result,) = out.iterdir()  # as PNG where Pillow cannot write the format
        return result, Written(written.subjects, written.boxes, [*notes, *written.notes])

    async def _changing(self, choice: Choice) -> CallableModel:
        """The model that makes what is chosen; those asked for last are kept, since a backend may take seconds for each.
        Requests for one choice wait for the same work, which goes on where they end before it."""
        if not choice:
            return self.model
        can_change = self.model.can_change
        if not can_change:
            raise WrongAttribute("attribute: this model does not let you choose: leave it out")
        for name, _ in choice:
            if name not in can_change:
                raise WrongAttribute(f'attribute: this model cannot change "{name}"{did_you_mean(name, can_change)}')
        if choice not in self._models:
            self._models[choice] = asyncio.create_task(self._open(choice))
        opening = self._models[choice]
        self._models.move_to_end(choice)
        while len(self._models) > CHOICES:
            self._models.popitem(last=False)
        return await asyncio.shield(opening)

    async def _open(self, choice: Choice) -> CallableModel:
        """Open the model that makes what is chosen, in a thread of its own; what fails is not kept.

        Raises:
            AttrxferError: The backend cannot run it. That is no fault of the request's.
        """
        try:
            return await run_sync(self.model.changing, dict(choice), limiter=self._opening)
        except Exception as error:
            self._models.pop(choice, None)
            raise AttrxferError(f"{in_words(dict(choice))}: {in_a_line(error)}") from error

    def _processor(self, model: CallableModel, strength: float, *, aligned: bool) -> BatchedProcessor[Any]:
        """What transfers the file, as in ``attrxfer transfer``."""
        if self.reach is not None and aligned:
            raise DataError("this model transfers whole images at their own size: leave aligned out")
        if self.crops_only and not aligned:
            raise DataError(f"no photos here ({self.crops_only}): for crops like those trained on, say aligned=true")
        photos = self.photos if model is self.model or self.photos is None else Photos(model, self.photos.detector)
        return image_processor(model, None if aligned else photos, strength, provenance_of(model, strength))

    def _look(self, upload: Path) -> tuple[int, str]:
        """An image's pixels and format, by the beginning of its file."""
        with opened(upload) as image:
            pixels = image.width * image.height
            if pixels > self.limits.megapixels * 1e6:
                raise TooLarge(f"more than {self.limits.megapixels:g} million pixels ({image.width} x {image.height})")
            return pixels, "jpeg" if image.format == "MPO" else str(image.format).lower()

    async def _in_thread(self, path: Path, work: Callable[[], Made]) -> Made:
        """Do work on a file in one of a few threads; left to itself where the request ends before it."""
        made = await run_sync(attempt, path, work, limiter=self._threads, abandon_on_cancel=True)
        if isinstance(made, DataError):
            raise made
        return made


def opened_model(
    name: Path, backend: str, registry: Registry, device: str = CPU, wanted: Mapping[str, bool] | None = None
) -> CallableModel:
    """Open a model, with its networks run by a backend, or by torch on a device. ``wanted``: what a bundle for many attributes
    makes of images.

    Raises:
        AttrxferError: There is no such model, backend or device, the model's networks cannot be run by another backend, or it
            cannot change these attributes.
    """
    model = load_model(name, device=device, attributes=wanted)
    if backend != DEFAULT_BACKEND:
        if device != CPU:
            raise AttrxferError(f"--device is for the backend {DEFAULT_BACKEND}: leave --backend {backend} or --device out")
        if not isinstance(model, ChoosesBackend):
            raise AttrxferError(f"{name}: only a bundle's networks can be run by another backend: leave --backend out")
        model.use(backend, registry)
    return model


def _photos(model: CallableModel, detector: str | None, registry: Registry) -> tuple[Photos | None, str]:
    """What transfers photos; None, and why, where only crops are taken."""
    if reach_of(model) is not None:
        return None, ""
    if model.alignment is None:
        return None, "the model does not know how its training images were aligned"
    try:
        return Photos(model, load_detector(detector, registry)), ""
    except AttrxferError as error:
        if detector is not None:
            raise
        return None, str(error)


def _suffix(form: str) -> str:
    """The suffix of a format's files."""
    known = (suffix for suffix, name in Image.registered_extensions().items() if name.lower() == form)
    return {"jpeg": ".jpg"}.get(form) or next(known, ".png")


def _convert(upload: Path, source: Path, own: str, form: Form | None) -> list[str]:
    """Give a file its format's name, or another format; what is lost in words."""
    if form in (None, own):
        upload.rename(source)
        return []
    save_image(source, np.asarray(open_rgb(upload)))
    return [f"{own.upper()} became {form.upper() if form else ''}: its metadata are not kept"]
