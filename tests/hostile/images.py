"""Images of every format that is read, with other bytes."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from attrxfer.media.provenance import xmp_packet
from attrxfer.workflows import transfer as workflow
from tests.hostile.spoiling import spoilt_bytes
from tests.hostile.trial import Kind, printed
from tests.media.photos.conftest import Fixed, smooth, subject

SAVED: Mapping[str, Mapping[str, Any]] = {
    "a.png": {},
    "palette.png": {},
    "grey.png": {},
    "deep.png": {},
    "a.jpg": {"quality": 90},
    "progressive.jpg": {"progressive": True},
    "cmyk.jpg": {},
    "a.webp": {},
    "lossless.webp": {"lossless": True},
    "a.avif": {},
    "a.heic": {},
    "a.tif": {},
    "lzw.tif": {"compression": "tiff_lzw"},
    "jpeg.tif": {"compression": "jpeg"},
    "float.tif": {},
    "bits.tif": {"compression": "group4"},
    "a.gif": {},
    "a.jp2": {},
    "a.bmp": {},
    "a.tga": {},
    "a.ppm": {},
    "a.qoi": {},
}
"""The good files, with Pillow's options."""
MODES = {"palette.png": "P", "grey.png": "L", "deep.png": "I;16", "cmyk.jpg": "CMYK", "float.tif": "F", "bits.tif": "1"}


def use_fixed_subjects() -> None:
    """Find one subject in every image that is not all of one colour."""
    setattr(workflow, "load_detector", lambda *arguments: Fixed(subject(80, 60, 2)))  # noqa: B010 (what it imports)


def save_all(folder: Path) -> None:
    """A good file of each format, with EXIF and XMP where the format has a place for them."""
    import pillow_heif

    pillow_heif.register_heif_opener(thumbnails=False)
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a photo"
    exif.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0comment"
    xmp = xmp_packet({"Model": "none"}, None, 60_000)
    for name, options in SAVED.items():
        image = Image.fromarray(smooth())
        if MODES.get(name) == "I;16":
            image = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
        elif name in MODES:
            image = image.convert(MODES[name])
        more: dict[str, Any] = {"exif": exif} if name.endswith((".jpg", ".png", ".webp", ".avif", ".heic", "a.tif")) else {}
        if xmp is not None and name.endswith((".jpg", ".webp", ".avif", ".heic")):
            more["xmp"] = xmp
        image.save(folder / name, **options, **more)


class Images(Kind):
    """An image with other bytes."""

    name = "images"

    def prepare(self) -> None:
        (self.goods / "images").mkdir()
        save_all(self.goods / "images")

    def spoil(self, chance: random.Random) -> str:
        name = chance.choice(sorted(SAVED))
        content, said = spoilt_bytes((self.goods / "images" / name).read_bytes(), chance, chance.choice((64, 400, 4000)))
        (self.input / "data" / "a").mkdir(parents=True)
        (self.input / "data" / "b").mkdir()
        (self.input / name).write_bytes(content)
        (self.input / "data" / "a" / name).write_bytes(content)
        (self.input / "data" / "b" / "b.png").write_bytes((self.goods / "photo.png").read_bytes())
        return f"{name}: {said}"

    def actions(self) -> Mapping[str, Callable[[], object]]:
        bundle = self.goods / "bundle"

        def photo(*options: str) -> None:
            use_fixed_subjects()
            # in a folder: a broken image is an outcome of that file
            (self.input / "data" / "b" / "b.png").unlink()
            printed("transfer", bundle, self.input, "-o", self.out, *options, codes=(0, 1))

        return {
            "transfer": photo,
            "aligned": lambda: photo("--aligned"),
            "inspect": lambda: printed("data", "inspect", self.input / "data", "-o", self.out / "page.html", codes=(0,)),
        }
