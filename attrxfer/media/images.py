"""Image files: read as upright RGB, framed as the training images were, written in their own format."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from attrxfer.errors import DataError, in_a_line
from attrxfer.interfaces import Framing
from attrxfer.media.files import list_files
from attrxfer.plugin.distribution import install
from attrxfer.storage.files import write_bytes

HEIF = frozenset({".heic", ".heif", ".hif"})
JPEG2000 = frozenset({".j2k", ".jp2", ".jpf", ".jpx"})
JPEG = frozenset({".jfif", ".jpe", ".jpeg", ".jpg", ".mpo"})
PLAIN = frozenset({".apng", ".bmp", ".dib", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".qoi", ".tga"})
SUFFIXES = HEIF | JPEG2000 | JPEG | PLAIN | {".avif", ".gif", ".tif", ".tiff", ".webp"}
HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs")
"""What such a file begins with, whatever it is called."""
INSTALL_HEIF = install("heif")
JPEG_QUALITY = 95
STRIP = 1 << 21
"""Pixels of an image that are computed at once."""


def is_image(path: Path) -> bool:
    """Whether a file is an image, by its suffix. Hidden files are none."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def same_format(one: Path, other: Path) -> bool:
    """Whether two names have suffixes of one format."""
    suffixes = {one.suffix.lower(), other.suffix.lower()}
    Image.init()
    formats = {Image.registered_extensions().get(suffix, suffix) for suffix in suffixes}
    return len(suffixes) == 1 or len(formats) == 1 or suffixes <= HEIF or suffixes <= JPEG


def _prepare(path: Path) -> None:
    """Let Pillow read HEIF where this file is one.

    Raises:
        DataError: It is one, and pillow-heif is not installed.
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(12)
    if head[4:8] != b"ftyp" or (head[8:] not in HEIF_BRANDS and path.suffix.lower() not in HEIF):
        return
    if find_spec("pillow_heif") is None:
        raise DataError(f"{path}: HEIC needs pillow-heif: {INSTALL_HEIF}")
    import pillow_heif

    if "HEIF" not in Image.OPEN:
        pillow_heif.register_heif_opener(thumbnails=False)


@contextmanager
def opened(path: Path) -> Iterator[ImageFile.ImageFile]:
    """Open an image file with Pillow, as a context manager.

    Raises:
        DataError: The file cannot be read, here or inside the context; the message says why.
    """
    try:
        if not path.stat().st_size:
            raise DataError(f"{path}: empty file")
        _prepare(path)
        with Image.open(path) as image:
            yield image
    except UnidentifiedImageError:
        raise DataError(f"{path}: not an image") from None
    except Image.DecompressionBombError:
        raise DataError(f"{path}: more than {2 * (Image.MAX_IMAGE_PIXELS or 0) // 10**6} million pixels") from None
    except DataError:
        raise
    except Exception as error:  # its decoders raise many kinds of exceptions for damaged files
        raise DataError(f"{path}: {in_a_line(error)}") from None


def open_rgb(path: Path) -> Image.Image:
    """An image file as RGB of 8 bits, upright by its EXIF orientation; transparency is laid on white.

    Raises:
        DataError: The file cannot be read; the message says why.
    """
    with opened(path) as image:
        image.load()
        return to_rgb(ImageOps.exif_transpose(image))


def to_rgb(image: Image.Image) -> Image.Image:
    """An image as RGB of 8 bits; transparency is laid on white."""
    if image.mode.startswith("I") or image.mode == "F":
        values = np.nan_to_num(np.asarray(image, dtype=np.float32))
        top = white_of(values, floats=image.mode == "F")
        return Image.fromarray((values.clip(0, top) * (255 / top)).round().astype(np.uint8)).convert("RGB")
    if "A" in image.getbands() or "transparency" in image.info:
        return _on_white(image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _on_white(image: Image.Image) -> Image.Image:
    out = Image.new("RGB", image.size)
    for rows in strips(image.height, image.width):
        rgba = image.crop((0, rows.start, image.width, rows.stop)).convert("RGBA")
        out.paste(Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB"), (0, rows.start))
    return out


def strips(height: int, width: int) -> Iterator[slice]:
    """The rows of an image in strips of at most ``STRIP`` pixels, so that what is computed of them takes little memory."""
    rows = max(1, STRIP // max(1, width))
    return (slice(start, min(start + rows, height)) for start in range(0, height, rows))


def white_of(values: NDArray[Any], *, floats: bool) -> float:
    """The value of white: 1 for floats in 0..1, else 255, or 65535 where a value is greater."""
    greatest = float(np.nanmax(values, initial=0))
    if floats and 0 < greatest <= 1:
        return 1.0
    return 65535.0 if greatest > 255 else 255.0


def frame(image: Image.Image, framing: Framing | None, size: int) -> NDArray[np.uint8]:
    """Cut and resize an image as the training images were.

    Args:
        image: An RGB image.
        framing: The crop that images of its source size are cut to. Others, and all where it is None, are cut to their central
            square.
        size: Side of the result in pixels.

    Returns:
        uint8 (size, size, 3).
    """
    if framing is not None and image.size == tuple(framing.source):
        left, top, width, height = framing.crop
    else:
        width = height = min(image.size)
        left, top = (image.width - width) // 2, (image.height - height) // 2
    box = (left, top, left + width, top + height)
    if box == (0, 0, *image.size) and image.size == (size, size):
        return np.asarray(image)
    return np.asarray(image.resize((size, size), Image.Resampling.LANCZOS, box=box))


def written_format(path: Path) -> str:
    """The format that a file is written in, by its suffix; PNG without a suffix that Pillow knows.

    Raises:
        DataError: Pillow reads this format and cannot write it.
    """
    file_format = Image.registered_extensions().get(path.suffix.lower(), "PNG")
    if file_format not in Image.SAVE:
        raise DataError(f"{path}: {file_format} files can be read, but not written: make it a PNG first")
    return file_format


def save_image(path: Path, image: NDArray[np.uint8], xmp: bytes | None = None) -> None:
    """Write an image atomically, in the format of the file's suffix.

    Args:
        path: The file. Without a suffix that Pillow knows, it is a PNG.
        image: uint8 (H, W, 3).
        xmp: An XMP packet, for the formats that have a place for it.

    Raises:
        DataError: Pillow cannot write this format.
        OSError: The file cannot be written.
    """
    buffer = io.BytesIO()
    file_format = written_format(path)
    options: dict[str, Any] = {"quality": JPEG_QUALITY, "subsampling": 0} if file_format == "JPEG" else {}
    if xmp is not None and file_format == "PNG":
        options["pnginfo"] = PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", xmp.decode())
    elif xmp is not None and file_format == "TIFF":
        options["tiffinfo"] = {700: xmp}
    elif xmp is not None:
        options["xmp"] = xmp
    Image.fromarray(image).save(buffer, format=file_format, **options)
    write_bytes(path, buffer.getvalue())


def data_uri(image: NDArray[np.uint8], file_format: str = "PNG") -> str:
    """An image, uint8 (H, W, 3), as a data URI for pages without other files."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, file_format)
    return f"data:image/{file_format.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def find_images(paths: Sequence[Path]) -> Iterator[tuple[Path, Path]]:
    """Image files with their names below the given paths; see ``files.list_files``.

    Raises:
        DataError: A path does not exist, or a folder holds no image.
    """
    return list_files(paths, is_image, f"images here ({', '.join(sorted(SUFFIXES))})")
