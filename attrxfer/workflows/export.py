"""A bundle as one file that runs without torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from attrxfer.errors import AttrxferError
from attrxfer.interfaces import Calibrated, Exporter
from attrxfer.media.images import find_images, frame, open_rgb
from attrxfer.model.export import write
from attrxfer.model.loading import load_model
from attrxfer.model.torch_model import TorchModel
from attrxfer.plugin.host import Host
from attrxfer.plugin.parameters import build, missing_for, named

COUNT = 64
"""Images that are compared, and that a calibrated exporter measures."""


def export(
    model: str | Path,
    form: str,
    out: Path | None,
    sample: Path | None,
    host: Host,
    attributes: Mapping[str, bool] | None = None,
) -> tuple[Path, str]:
    """Export a model.

    Args:
        model: A bundle, a finished run, or a shipped model by name.
        form: The exporter's name (kind ``exporter``).
        out: The file; None: beside the bundle, for a shipped model in the current folder.
        sample: Images to compare the file with torch on; None: noise.
        host: The plugins.
        attributes: What a bundle for many attributes makes of images, in the file for good; None: what its recipe's task says.

    Returns:
        The file, and its size and largest error in a line.

    Raises:
        UnknownName: No such exporter or model.
        AttrxferError: The model is no bundle, something is not installed, or the exporter needs images.
    """
    if Path(model).is_file():
        raise AttrxferError(f"{model}: this is a file; export the bundle or the finished run that it was made of")
    exporter = _exporter(form, host, sample)
    bundle = load_model(model, host, attributes=attributes)
    if not isinstance(bundle, TorchModel):
        raise AttrxferError(f"{model}: not a bundle or a finished run, and only these can be exported")
    if out is not None and out.suffix != exporter.suffix:
        raise AttrxferError(f"{out}: {form} files end in {exporter.suffix}; choose such a name")
    variant = "_" + form.partition("_")[2] if "_" in form else ""
    folder = bundle.path.parent if Path(model).exists() else Path()
    path = out or folder / f"{bundle.metadata['task']['name']}{variant}{exporter.suffix}"
    examples_are = "noise" if sample is None else "images"
    error, different = write(bundle, exporter, path, _examples(sample, bundle), examples_are)
    size = path.stat().st_size / 1e6
    line = f"{size:.1f} MB; largest error against torch {error} of 255, {different:.2%} of values differ ({examples_are})"
    return path, line


def _exporter(form: str, host: Host, sample: Path | None) -> Exporter:
    """The exporter of this name, if it can be used here."""
    spec = named("exporter", form, host.registry)
    missing = missing_for(spec)
    if missing:
        raise AttrxferError(f"exporter {form}: missing: {'; '.join(missing)}")
    exporter: Exporter = build(spec, {})
    if sample is None and isinstance(exporter, Calibrated) and exporter.calibrated:
        raise AttrxferError(f"exporter {form} needs example images: --check PHOTOS (in Python: sample=)")
    return exporter


def _examples(sample: Path | None, model: TorchModel) -> NDArray[np.uint8]:
    if sample is None:
        size = (COUNT, model.size, model.size, 3)
        return np.random.default_rng(0).integers(0, 256, size).astype(np.uint8)
    files = [path for path, _ in find_images([sample])][:COUNT]
    return np.stack([frame(open_rgb(path), model.framing, model.size) for path in files])
