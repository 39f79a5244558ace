"""A bundle written into one file, after the file's results were compared with torch."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from attrxfer.interfaces import Exporter, Runner
from attrxfer.model.exported import KEPT, OPTIONAL
from attrxfer.model.torch_model import TorchModel
from attrxfer.storage.files import write_bytes

STRENGTHS = (1.0, 0.5)
"""At which results are compared."""


def write(
    model: TorchModel, exporter: Exporter, path: Path, examples: NDArray[np.uint8], examples_are: str
) -> tuple[int, float]:
    """Export a bundle, compare the file with torch, and write it with the largest error in its metadata.

    Args:
        model: The bundle.
        exporter: Writes the file, and opens it again.
        path: The file.
        examples: uint8 (N, S, S, 3): compared, and measured by an exporter that is calibrated.
        examples_are: "images" or "noise".

    Returns:
        What ``compare`` does.
    """
    metadata = {name: model.metadata.get(name) for name in (*KEPT, *OPTIONAL)}
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / f"draft{exporter.suffix}"
        exporter.export(model.graph(), examples, draft, metadata)
        error, different = compare(model, exporter.open(draft)[0], examples)
        metadata["largest error"] = {"steps of 255": error, "pixels that differ": different, "compared on": examples_are}
        exporter.export(model.graph(), examples, draft, metadata)
        write_bytes(path, draft.read_bytes())
    return error, different


def compare(model: TorchModel, run: Runner, examples: NDArray[np.uint8]) -> tuple[int, float]:
    """How a runner's results for uint8 images (N, S, S, 3) differ from those of torch, at strengths 1 and 0.5.

    Returns:
        The largest difference of a value in steps of 0..255, and the share (0..1) of values that differ.
    """
    errors = [np.abs(run(examples, strength).astype(int) - model.images(examples, strength)) for strength in STRENGTHS]
    return int(np.max(errors)), float((np.stack(errors) > 0).mean())
