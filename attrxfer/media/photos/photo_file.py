"""Image files read, and written back in their own format with their metadata."""

from __future__ import annotations

import io
import os
import struct
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, JpegImagePlugin, PngImagePlugin

from attrxfer.errors import DataError, in_a_line
from attrxfer.media.batch import Skipped
from attrxfer.media.images import opened
from attrxfer.media.photos.pixels import apply_change, upright_rgb
from attrxfer.media.provenance import xmp_packet
from attrxfer.media.xmp import SEGMENT, kept_packet

WEBP_QUALITY, TIFF_JPEG_QUALITY, AVIF_QUALITY, HEIF_QUALITY = 90, 95, 90, 90
"""Where the file does not say how it was compressed."""
STRUCTURE = frozenset({*range(254, 260), *range(262, 267), 273, 274, 277, 278, 279, 284, 292, 293, 317, 320})
MORE_STRUCTURE = frozenset({*range(322, 326), 330, 338, 339, 340, 341, 347, *range(512, 533), 700, 34675})
"""TIFF tags that describe the layout of the old file, and those that are written otherwise."""
TABLES = (34665, 34853)
"""TIFF tags that point to EXIF's and GPS's own tables."""
FOR_BITS = ("group3", "group4", "tiff_ccitt")
PARTS = {"depth_images": "depth image", "aux": "gain map or mask"}
"""Parts of a HEIC by the names that its reader gives them."""
APPENDED = b"SEFT"
"""The end of what Samsung's phones add: the video of a motion photo, for one."""
AVIF_HEAD = 1 << 16
"""Bytes at the beginning of an AVIF file in which its properties are looked for."""
GIF_XMP = b"\x21\xff\x0bXMP DataXMP"
GIF_TRAILER = b"\x01" + bytes(range(255, -1, -1)) + b"\x00"
"""What surrounds XMP in a GIF. Readers that take the text for blocks are led to its end by the trailer."""


@dataclass(frozen=True)
class PhotoFile:
    """An image file.

    Attributes:
        path: The file.
        image: The image as it is stored; of a colour JPEG without its pixels.
        pixels: The image as a viewer shows it: uint8 RGB (H, W, 3), upright.
        xmp: Its XMP packet, as far as a result keeps it; None: nothing.
        notes: What a result cannot keep, in words.
    """

    path: Path
    image: ImageFile.ImageFile
    pixels: NDArray[np.uint8]
    xmp: bytes | str | None = None
    notes: tuple[str, ...] = ()

    def encoded(self, pixels: NDArray[np.uint8], provenance: Mapping[str, str] | None = None) -> bytes:
        """The file with another image, in its format, with its EXIF, ICC profile, resolution and texts.

        Args:
            pixels: The image, uint8 RGB (H, W, 3), upright.
            provenance: What is written into the XMP packet; None: nothing.

        Raises:
            DataError: Pillow cannot write it.
        """
        image = apply_change(self.image, self.pixels, pixels)
        form = _form(self.image)
        limit = SEGMENT if form == "JPEG" else sys.maxsize
        own = self.xmp.encode() if isinstance(self.xmp, str) else self.xmp
        xmp = xmp_packet(provenance, own, limit) if provenance is not None else own
        buffer = io.BytesIO()
        try:
            image.save(buffer, form, **_common(self.image), **_OPTIONS.get(form, _nothing)(self.image, image, xmp))
        except Exception as error:  # Pillow raises many kinds of exceptions for metadata that it cannot write
            raise DataError(f"{self.path}: cannot be written as {form}: {in_a_line(error)}") from None
        content = buffer.getvalue()
        return content[:-1] + GIF_XMP + xmp + GIF_TRAILER + b";" if form == "GIF" and xmp else content


def avif_bits(path: Path) -> int:
    """Bits a channel of an AVIF file, by its first AV1 configuration (AV1-ISOBMFF, section 2.3); Pillow does not say them."""
    with path.open("rb") as file:
        head = file.read(AVIF_HEAD)
    at = head.find(b"av1C")
    flags = head[at + 6] if 0 <= at < len(head) - 6 else 0
    return 8 if not flags & 0x40 else 12 if flags & 0x20 else 10


def read_photo(path: Path) -> PhotoFile:
    """Read an image file.

    Raises:
        Skipped: The file holds several images.
        DataError: The file cannot be read.
    """
    with opened(path) as image:
        frames = getattr(image, "n_frames", 1)
        if frames > 1 and image.format not in ("MPO", "HEIF"):
            raise Skipped(f"{path}: {frames} frames or pages: only still images are changed")
        notes = []
        bits = 16 if ";16" in str(image.tile) and image.mode in ("RGB", "RGBA") else image.info.get("bit_depth", 8)
        bits = avif_bits(path) if image.format == "AVIF" else bits
        if bits > 8:
            notes.append(f"{bits} bits a channel become 8")
        if frames > 1:
            notes.append("only its first image is kept")
        notes += [f"its {what} is not kept" for key, what in PARTS.items() if image.info.get(key)]
        if image.format == "JPEG2000":
            notes.append("its metadata are not kept")
        if _ends_as_samsungs(path):
            notes.append("what the phone added behind the image is not kept")
        image.load()
        xmp, lost = kept_packet(image.info.get("xmp"), jpeg=_form(image) == "JPEG")
        pixels = upright_rgb(image)
        if _form(image) == "JPEG" and image.mode == "RGB":
            image.close()  # the stored pixels are those that are shown; what else the file holds stays
        return PhotoFile(path, image, pixels, xmp, (*notes, *lost))


def _form(image: Image.Image) -> str:
    """The format that a result is written in."""
    assert image.format is not None
    return "JPEG" if image.format == "MPO" else image.format


def _ends_as_samsungs(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-min(len(APPENDED), path.stat().st_size), os.SEEK_END)
        return file.read() == APPENDED


def _common(old: Image.Image) -> dict[str, Any]:
    """Options that all formats name alike."""
    options = {"icc_profile": old.info.get("icc_profile"), "dpi": old.info.get("dpi")}
    return {name: value for name, value in options.items() if value}


def _nothing(old: ImageFile.ImageFile, new: Image.Image, xmp: bytes | None) -> dict[str, Any]:
    return {}


def _jpeg(old: Any, new: Image.Image, xmp: bytes | None) -> dict[str, Any]:
    options = {"exif": _exif(old), "xmp": xmp or b"", "qtables": old.quantization, "comment": old.info.get("comment")}
    texts = [content for name, content in old.applist if name == "APP13"]  # IPTC's captions and keywords
    extra = b"".join(b"\xff\xed" + struct.pack(">H", len(content) + 2) + content for content in texts)
    progressive = bool(old.info.get("progressive"))
    return {**options, "extra": extra, "progressive": progressive, "subsampling": JpegImagePlugin.get_sampling(old)}


def _png(old: Any, new: Image.Image, xmp: bytes | None) -> dict[str, Any]:
    info = PngImagePlugin.PngInfo()
    if (intent := old.info.get("srgb")) is not None:
        info.add(b"sRGB", bytes([intent]))
    if (gamma := old.info.get("gamma")) is not None:
        info.add(b"gAMA", struct.pack(">I", round(gamma * 100000)))
    for name, text in old.text.items():
        if name != "XML:com.adobe.xmp":
            info.add_itxt(name, text) if isinstance(text, PngImagePlugin.iTXt) else info.add_text(name, text)
    if xmp:
        info.add_itxt("XML:com.adobe.xmp", xmp.decode("utf-8", "replace"))
    return {"pnginfo": info, "exif": _exif(old)}


def _webp(old: ImageFile.ImageFile, new: Image.Image, xmp: bytes | None) -> dict[str, Any]:
    return {"exif": _exif(old), "xmp": xmp or b"", "lossless": _is_lossless(old), "quality": WEBP_QUALITY, "exact": True}


def _tiff(old: ImageFile.ImageFile, new: Image.Image, xmp: bytes | None) -> dict[str, Any]:
    tags = old.getexif()
    for tag in (STRUCTURE | MORE_STRUCTURE).intersection(tags):
        del tags[tag]
    if xmp:
        tags[700] = xmp
    compression = old.info.get("compression", "raw")
    if compression in FOR_BITS and new.mode != "1":
        compression = "tiff_lzw"
    if any(tag in tags for tag in TABLES):
        compression = "raw"  # libtiff, which compresses, writes no EXIF
    quality = {"quality": TIFF_JPEG_QUALITY} if compression == "jpeg" else {}
    return {"exif": tags, "compression": compression, **quality}


def _gif(old: ImageFile.ImageFile, new: Image.Image, xmp: bytes | None) -> dict[str, Any]:
    names = ("transparency", "comment", "background")
    return {"optimize": False, **{name: old.info[name] for name in names if name in old.info}}


def _avif(old: ImageFile.ImageFile, new: Image.Image, xmp: bytes | None) -> dict[str, Any]:
    return {"exif": _exif(old), "xmp": xmp or b"", "quality": AVIF_QUALITY}


def _heif(old: ImageFile.ImageFile, new: Image.Image, xmp: bytes | None) -> dict[str, Any]:
    return {"exif": _exif(old), "xmp": xmp or b"", "quality": HEIF_QUALITY}


def _jpeg2000(old: Any, new: Image.Image, xmp: bytes | None) -> dict[str, Any]:
    return {"no_jp2": old.codec == "j2k"}


_OPTIONS = {
    "AVIF": _avif,
    "HEIF": _heif,
    "JPEG2000": _jpeg2000,
    "JPEG": _jpeg,
    "PNG": _png,
    "WEBP": _webp,
    "TIFF": _tiff,
    "GIF": _gif,
}


def _exif(image: Image.Image) -> bytes:
    """A file's EXIF to the byte, without the pointer to its thumbnail, which shows the old image."""
    exif: bytes = image.info.get("exif", b"")
    start = len(b"Exif\0\0") if exif.startswith(b"Exif\0\0") else 0
    order = {b"II": "<", b"MM": ">"}.get(exif[start : start + 2])
    try:
        assert order
        first = start + struct.unpack_from(f"{order}I", exif, start + 4)[0]
        after = first + 2 + 12 * struct.unpack_from(f"{order}H", exif, first)[0]
        struct.unpack_from(f"{order}I", exif, after)
    except (AssertionError, struct.error):
        return exif  # damaged: it stays as it is
    return exif[:after] + bytes(4) + exif[after + 4 :]


def _is_lossless(image: ImageFile.ImageFile) -> bool:
    """Whether a WebP holds its pixels without loss, by its chunks."""
    content = Path(os.fsdecode(image.filename)).read_bytes()
    place = 12
    while place + 8 <= len(content):
        name, length = content[place : place + 4], int.from_bytes(content[place + 4 : place + 8], "little")
        if name in (b"VP8 ", b"VP8L"):
            return name == b"VP8L"
        place += 8 + length + length % 2
    return False
