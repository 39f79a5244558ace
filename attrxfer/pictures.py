"""Picture files: read as RGB the right way up, framed as the training pictures were, written in their own format."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from attrxfer.errors import DataError
from attrxfer.files import write_bytes
from attrxfer.interfaces import Framing

SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
JPEG_QUALITY = 95


def is_picture(path: Path) -> bool:
    """By its suffix; hidden files are none."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def open_rgb(path: Path) -> Image.Image:
    """A file as RGB, turned as its EXIF orientation says; transparency is laid on white, 16 bits become 8.

    Raises DataError with the reason when it cannot be read.
    """
    try:
        with Image.open(path) as image:
            image.load()
            upright = ImageOps.exif_transpose(image)
            return _to_rgb(upright)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        reason = "not a picture" if isinstance(error, UnidentifiedImageError) else str(error)
        raise DataError(f"{path}: {reason}") from None


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image, dtype=np.float64)
        top = 65535.0 if values.max(initial=0) > 255 else 255.0
        return Image.fromarray((values.clip(0, top) * (255 / top)).round().astype(np.uint8)).convert("RGB")
    if "A" in image.getbands() or "transparency" in image.info:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return image.convert("RGB")


def frame(image: Image.Image, framing: Framing | None, size: int) -> NDArray[np.uint8]:
    """Cut and resize to (size, size, 3): files of the framing's own size by its crop, others to their central square."""
    if framing is not None and image.size == tuple(framing.source):
        left, top, width, height = framing.crop
    else:
        width = height = min(image.size)
        left, top = (image.width - width) // 2, (image.height - height) // 2
    box = (left, top, left + width, top + height)
    if box == (0, 0, *image.size) and image.size == (size, size):
        return np.asarray(image)
    return np.asarray(image.resize((size, size), Image.Resampling.LANCZOS, box=box))


def save(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write a picture (H, W, 3) atomically, in the format of its suffix, as PNG where Pillow cannot write that."""
    buffer = io.BytesIO()
    form = Image.registered_extensions().get(path.suffix.lower(), "PNG")
    if form not in Image.SAVE:  # Pillow reads more forms than it writes
        path, form = path.with_suffix(".png"), "PNG"
    options = {"quality": JPEG_QUALITY, "subsampling": 0} if form == "JPEG" else {}
    Image.fromarray(picture).save(buffer, format=form, **options)
    write_bytes(path, buffer.getvalue())


def embedded(picture: NDArray[np.uint8], form: str = "PNG") -> str:
    """A picture (H, W, 3) as a data URI, for pages that hold all they show."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, form)
    return f"data:image/{form.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def find(paths: Sequence[Path]) -> Iterator[tuple[Path, Path]]:
    """Picture files with their names below what was given: a file by its name, a folder's files by their path inside.

    Raises DataError for a path that does not exist or a folder without pictures.
    """
    for path in paths:
        if path.is_file():
            yield path, Path(path.name)
        elif path.is_dir():
            files = sorted(file for file in path.rglob("*") if file.is_file() and is_picture(file))
            if not files:
                raise DataError(f"{path}: no pictures here ({', '.join(sorted(SUFFIXES))})")
            yield from ((file, file.relative_to(path)) for file in files)
        else:
            raise DataError(f"{path}: no such file or folder")
