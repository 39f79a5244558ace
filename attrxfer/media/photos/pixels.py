"""Stored pixels of every kind as upright RGB, and a change of the RGB image applied to the stored pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from attrxfer.media.images import strips, to_rgb, white_of

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
TRANSPOSES = {
    2: (Image.Transpose.FLIP_LEFT_RIGHT,) * 2,
    3: (Image.Transpose.ROTATE_180,) * 2,
    4: (Image.Transpose.FLIP_TOP_BOTTOM,) * 2,
    5: (Image.Transpose.TRANSPOSE,) * 2,
    6: (Image.Transpose.ROTATE_270, Image.Transpose.ROTATE_90),
    7: (Image.Transpose.TRANSVERSE,) * 2,
    8: (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270),
}
"""By EXIF's orientation: the transposition that sets stored pixels upright, and its inverse."""
ORIENTATION_TAG = 0x0112


def upright_rgb(image: Image.Image) -> NDArray[np.uint8]:
    """An image as a viewer shows it: uint8 RGB (H, W, 3), upright; transparency on white, 16 bits as 8."""
    transpose = TRANSPOSES.get(image.getexif().get(ORIENTATION_TAG, 1))
    rgb = to_rgb(image)
    if transpose:
        rgb = rgb.transpose(transpose[0])
    pixels = np.empty((rgb.height, rgb.width, 3), np.uint8)
    for rows in strips(rgb.height, rgb.width):
        pixels[rows] = np.asarray(rgb.crop((0, rows.start, rgb.width, rows.stop)))
    return pixels


def apply_change(image: Image.Image, before: NDArray[np.uint8], after: NDArray[np.uint8]) -> Image.Image:
    """Apply a change to a stored image.

    Args:
        image: The image as it is stored.
        before: uint8 (H, W, 3), as ``upright_rgb`` gives it.
        after: The same with the change.

    Returns:
        The image in its own mode; where nothing changed its values stay. Greyscale, 16 bits, CMYK, transparency and (in a
        GIF) palette are kept. Modes that a change cannot be written in become RGB.
    """
    transpose = TRANSPOSES.get(image.getexif().get(ORIENTATION_TAG, 1))
    if transpose:
        before, after = (np.asarray(Image.fromarray(each).transpose(transpose[1])) for each in (before, after))
    if image.mode == "P" and image.format == "GIF":
        return _in_palette(image, before, after)
    stored = _plain(image)
    if stored.mode == "RGB":  # stored as it is shown
        return Image.fromarray(after)
    own = np.array(stored)  # a copy
    top = white_of(own, floats=stored.mode == "F") if own.dtype != np.uint8 else 255
    for rows in strips(*own.shape[:2]):
        change = after[rows].astype(np.float32) - before[rows]
        if change.any():
            own[rows] = _with_ink(own[rows], change) if stored.mode == "CMYK" else _with_light(own[rows], change, top)
    return Image.fromarray(own.astype(own.dtype.newbyteorder("="), copy=False), stored.mode if stored.mode == "CMYK" else None)


def _plain(image: Image.Image) -> Image.Image:
    """The image in a mode whose values are brightness: palettes, colour keys and bits are converted."""
    if image.mode in ("P", "PA") or "transparency" in image.info:
        return image.convert("RGBA" if "transparency" in image.info or image.mode == "PA" else "RGB")
    if image.mode == "1":
        return image.convert("L")
    kept = image.mode in ("RGB", "RGBA", "L", "LA", "CMYK", "F") or image.mode.startswith("I")
    return image if kept else image.convert("RGB")


def _with_light(own: NDArray[Any], change: NDArray[np.float32], top: float) -> NDArray[Any]:
    """Brightness (H, W) or (H, W, C), in 0..top, with a change (H, W, 3) in steps of 255; transparency stays."""
    values = own.reshape(*own.shape[:2], -1).copy()
    grey = values.shape[2] < 3
    change = (change @ LUMA)[..., None] if grey else change
    colours = values[..., : 1 if grey else 3]
    changed = (colours.astype(np.float64) + change * (top / 255)).clip(0, top)
    if np.issubdtype(own.dtype, np.integer):
        changed = np.rint(changed)
    colours[...] = np.where(change == 0, colours, changed)
    return values.reshape(own.shape)


def _with_ink(own: NDArray[np.uint8], change: NDArray[np.float32]) -> NDArray[np.uint8]:
    """CMYK (H, W, 4): black stays; the other inks change by the change of colour over the light that black lets through."""
    light = (255 - own[..., 3:].astype(np.float32)).clip(1) / 255
    inks = np.rint(own[..., :3] - change / light).clip(0, 255)
    return np.concatenate([np.where(change == 0, own[..., :3], inks).astype(np.uint8), own[..., 3:]], axis=2)


def _in_palette(image: Image.Image, before: NDArray[np.uint8], after: NDArray[np.uint8]) -> Image.Image:
    """Changed pixels take the nearest colours of the palette; its free entries get colours of theirs."""
    palette = list(image.getpalette("RGB") or [])
    same = (before == after).all(2)
    room = 256 - len(palette) // 3
    if room and not same.all():
        palette += Image.fromarray(after[~same][None]).quantize(room).getpalette("RGB") or []
    plain = Image.new("P", (1, 1))
    plain.putpalette(palette)
    nearest = Image.fromarray(after).quantize(palette=plain, dither=Image.Dither.NONE)
    out = Image.fromarray(np.where(same, np.asarray(image), np.asarray(nearest)).astype(np.uint8), "P")
    out.putpalette(palette)
    return out
