"""Models as files that run without torch."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from attrxfer.errors import AttrxferError, InvalidRecipe
from attrxfer.interfaces import Calibrated, Exporter, GathersFiles
from attrxfer.media.images import find_images, frame, open_rgb
from attrxfer.model.export import write
from attrxfer.model.loading import load_model
from attrxfer.model.torch_model import TorchModel
from attrxfer.plugin.host import Host
from attrxfer.plugin.parameters import all_missing_for, build, named
from attrxfer.plugin.registry import Registry
from attrxfer.recipe.merging import apply_overrides

COUNT = 64
"""Images that are compared, and that a calibrated exporter measures."""


def export(
    models: Sequence[str | Path],
    form: str,
    out: Path | None,
    sample: Path | None,
    host: Host,
    attributes: Mapping[str, bool] | None = None,
    settings: Sequence[str] = (),
) -> tuple[Path, str]:
    """Export models.

    Args:
        models: Bundles, finished runs, or shipped models by name; more than one only for an exporter that gathers files.
        form: The exporter's name (kind ``exporter``).
        out: The file, or the folder of an exporter that gathers files; None: beside the first bundle, for a shipped model in
            the current folder.
        sample: Images to compare the files with torch on; None: noise.
        host: The plugins.
        attributes: What a bundle for many attributes makes of images, in the file for good; None: what its recipe's task says.
        settings: The exporter's, as "name=value".

    Returns:
        The file or folder, and what was written, with sizes and largest errors.

    Raises:
        UnknownName: No such exporter or model.
        InvalidRecipe: A setting is wrong.
        AttrxferError: A model is no bundle, something is not installed, or the exporter needs images.
    """
    exporter = _exporter(form, host.registry, sample, settings)
    if len(models) != 1 and not isinstance(exporter, GathersFiles):
        several = [each.name for each in host.registry.all("exporter") if isinstance(each.load(), GathersFiles)]
        raise AttrxferError(f"--to {form} writes one model into a file: name one MODEL; for several: --to {', '.join(several)}")
    bundles = [_bundle(model, host, attributes) for model in models]
    beside = bundles[0].path.parent if Path(models[0]).exists() else Path()
    if isinstance(exporter, GathersFiles):
        return _gathered(exporter, bundles, out or beside / form, sample)
    (bundle,) = bundles
    if out is not None and out.suffix != exporter.suffix:
        raise AttrxferError(f"{out}: {form} files end in {exporter.suffix}; choose such a name")
    variant = "_" + form.partition("_")[2] if "_" in form else ""
    path = out or beside / f"{bundle.metadata['task']['name']}{variant}{exporter.suffix}"
    return path, _written(bundle, exporter, path, sample)


def _gathered(exporter: Exporter, bundles: Sequence[TorchModel], folder: Path, sample: Path | None) -> tuple[Path, str]:
    """A folder with the files of several models, and a line for each; models of one name get numbers."""
    assert isinstance(exporter, GathersFiles)
    with tempfile.TemporaryDirectory() as temporary:
        files: dict[Path, TorchModel] = {}
        lines = []
        for bundle in bundles:
            name = bundle.metadata["task"]["name"]
            same = sum(each.metadata["task"]["name"] == name for each in files.values())
            path = Path(temporary) / f"{name}{f'_{same + 1}' if same else ''}{exporter.suffix}"
            lines.append(f"{path.name} of {bundle.name}: {_written(bundle, exporter, path, sample)}")
            files[path] = bundle
        exporter.gather(files, folder)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
    return folder, "\n  ".join([f"{size:.1f} MB", *lines])


def _written(bundle: TorchModel, exporter: Exporter, path: Path, sample: Path | None) -> str:
    """Write one file; its size and largest error in a line."""
    examples_are = "noise" if sample is None else "images"
    error, different = write(bundle, exporter, path, _examples(sample, bundle), examples_are)
    size = path.stat().st_size / 1e6
    return f"{size:.1f} MB; largest error against torch {error} of 255, {different:.2%} of values differ ({examples_are})"


def _bundle(model: str | Path, host: Host, attributes: Mapping[str, bool] | None) -> TorchModel:
    if Path(model).is_file():
        raise AttrxferError(f"{model}: this is a file; export the bundle or the finished run that it was made of")
    bundle = load_model(model, host, attributes=attributes)
    if not isinstance(bundle, TorchModel):
        raise AttrxferError(f"{model}: not a bundle or a finished run, and only these can be exported")
    return bundle


def _exporter(form: str, registry: Registry, sample: Path | None, settings: Sequence[str]) -> Exporter:
    """The exporter of this name, if it can be used here."""
    table, problems = apply_overrides({}, settings)
    if problems:
        raise InvalidRecipe(f"exporter {form}", problems)
    spec = named("exporter", form, registry, settings=table)
    missing = all_missing_for(spec)
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
