"""A grid of images as a figure for a paper: labels are vector text, and every pixel of the images is kept."""

from __future__ import annotations

import io
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attrxfer.errors import AttrxferError
from attrxfer.storage.files import write_bytes

FORMATS = (".pdf", ".svg", ".eps", ".png")
Row = tuple[str, NDArray[np.uint8]]
"""A label and its images, uint8 (N, S, S, 3)."""
GAP, POINTS, DOTS = 0.03, 8, 300
"""Between images as a part of their side; the size of labels in points; dots an inch of a PNG."""
LETTER = 0.65
"""Width of a letter as a part of its size, about; labels get so much room."""


def check(path: Path) -> None:
    """Check that a figure can be written into a file.

    Raises:
        AttrxferError: matplotlib is not installed, or the file's suffix is none of ``FORMATS``.
    """
    if path.suffix.lower() not in FORMATS:
        raise AttrxferError(f"{path}: a figure ends in {', '.join(FORMATS)}")
    if find_spec("matplotlib") is None:
        raise AttrxferError("missing: matplotlib: pip install 'attrxfer[figure]'")


def write_figure(path: Path, rows: Sequence[Row], width: float) -> None:
    """Write a grid of images, atomically.

    Args:
        path: A file of one of ``FORMATS``.
        rows: From top to bottom, each with as many images.
        width: Of the figure, in inches.

    Raises:
        AttrxferError: What ``check`` raises.
    """
    check(path)
    import matplotlib as mpl
    from matplotlib.figure import Figure

    columns = len(rows[0][1])
    margin = max(len(label) for label, _ in rows) * LETTER * POINTS / 72 + 0.08
    side = (width - margin) / (columns + GAP * (columns - 1))
    if side <= 0:
        raise AttrxferError(f"{width:g} inches have no room for images beside the labels: a larger --width, or shorter labels")
    height = side * (len(rows) + GAP * (len(rows) - 1))
    # letters as text of an embedded font, which journals ask for, and no time of day: the same images make the same file
    settings: Any = {
        "pdf.fonttype": 42,
        "ps.fonttype": 42,
        "svg.fonttype": "none",
        "svg.hashsalt": "attrxfer",
        "font.size": POINTS,
    }
    metadata = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}}.get(path.suffix.lower())
    with mpl.rc_context(settings):
        figure = Figure(figsize=(width, height))
        for number, (label, images) in enumerate(rows):
            bottom = 1 - (number * (1 + GAP) + 1) * side / height
            figure.text((margin - 0.08) / width, bottom + side / height / 2, label, ha="right", va="center")
            for column, image in enumerate(images):
                left = (margin + column * (1 + GAP) * side) / width
                axes = figure.add_axes((left, bottom, side / width, side / height))
                axes.imshow(image, interpolation="none")
                axes.set_axis_off()
        content = io.BytesIO()
        figure.savefig(content, format=path.suffix[1:].lower(), dpi=DOTS, metadata=metadata)
    write_bytes(path, content.getvalue())
