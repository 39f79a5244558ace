"""A bundle as one file that runs without torch, compared with torch before it is handed out."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from attrxfer.errors import AttrxferError
from attrxfer.interfaces import Calibrated
from attrxfer.media.images import find_images, frame, open_rgb
from attrxfer.model.exported import KEPT
from attrxfer.model.loading import load_model
from attrxfer.model.torch_model import TorchModel
from attrxfer.plugin.host import Host
from attrxfer.plugin.parameters import build, missing_for, named
from attrxfer.storage.files import write_bytes

COUNT = 64
"""Images that are compared, and that an exporter measures on."""
STRENGTHS = (1.0, 0.5)


def export(model: Path, form: str, out: Path | None, sample: Path | None, host: Host) -> tuple[Path, str]:
    """Write a bundle or finished run as ``form`` (kind ``exporter``); returns the file and a line on how it compares.

    ``sample``: images to compare with torch on, noise without. The largest error is written into the file's metadata.
    Raises AttrxferError for a form that is not there, or whose libraries are not installed.
    """
    registry = host.registry
    if model.is_file():
        raise AttrxferError(f"{model}: a file already; export the bundle or the finished run that it was made of")
    spec = named("exporter", form, registry)
    if missing_for(spec):
        raise AttrxferError(f"exporter {form} needs {'; '.join(missing_for(spec))}")
    exporter: Any = build(spec, {})
    if sample is None and isinstance(exporter, Calibrated) and exporter.calibrated:
        raise AttrxferError(f"exporter {form} measures on images like those that will come: name some with --check PHOTOS")
    transfer = load_model(model, host)
    if not isinstance(transfer, TorchModel):
        raise AttrxferError(f"{model}: not a bundle or a finished run, and only these can be exported")
    if out is not None and out.suffix != exporter.suffix:
        raise AttrxferError(f"{out}: {form} files end in {exporter.suffix}, by which they are found again")
    variant = "_" + form.partition("_")[2] if "_" in form else ""
    path = out or transfer.path.parent / f"{transfer.metadata['task']['name']}{variant}{exporter.suffix}"
    examples = _examples(sample, transfer)
    metadata = {name: transfer.metadata.get(name) for name in (*KEPT, "framing", "alignment")}
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / f"draft{exporter.suffix}"
        exporter.export(transfer.graph(), examples, draft, metadata)
        error, different = _compare(transfer, exporter, draft, examples)
        what = "images" if sample is not None else "noise"
        metadata["largest error"] = {"steps of 255": error, "pixels that differ": different, "compared on": what}
        exporter.export(transfer.graph(), examples, draft, metadata)
        write_bytes(path, draft.read_bytes())
    size = path.stat().st_size / 1e6
    return path, f"{size:.1f} MB; largest error against torch {error} of 255, {different:.2%} of values differ ({what})"


def _examples(sample: Path | None, transfer: TorchModel) -> NDArray[np.uint8]:
    if sample is None:
        size = (COUNT, transfer.size, transfer.size, 3)
        return np.random.default_rng(0).integers(0, 256, size).astype(np.uint8)
    files = [path for path, _ in find_images([sample])][:COUNT]
    return np.stack([frame(open_rgb(path), transfer.framing, transfer.size) for path in files])


def _compare(transfer: TorchModel, exporter: Any, path: Path, examples: NDArray[np.uint8]) -> tuple[int, float]:
    """The largest difference in steps of 0..255, and the share of values that differ."""
    runner, _ = exporter.open(path)
    errors = []
    for strength in STRENGTHS:
        with torch.no_grad():
            wanted = transfer.images(examples, strength)
        errors.append(np.abs(runner(examples, strength).astype(int) - wanted))
    return int(np.max(errors)), float((np.stack(errors) > 0).mean())
