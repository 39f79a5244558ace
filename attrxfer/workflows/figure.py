"""A figure of several models' results for the same inputs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from attrxfer.errors import AttrxferError
from attrxfer.media.images import find_images, frame, open_rgb
from attrxfer.model.calling import CallableModel
from attrxfer.model.loading import CPU, load_model, locate
from attrxfer.plugin.host import Host
from attrxfer.report import samples
from attrxfer.report.figure import Row, check, write_figure


def figure(
    models: Sequence[str],
    path: Path,
    host: Host,
    *,
    images: Path | None = None,
    count: int = 8,
    labels: Sequence[str] = (),
    strength: float = 1.0,
    width: float = 7.0,
    device: str = CPU,
) -> int:
    """Draw the inputs, a row of results for each model, and the exact truth where it is known.

    Args:
        models: Folders of runs, which keep samples; with ``images``, anything that ``load_model`` opens.
        path: The figure's file.
        host: The plugins.
        images: A folder of images, framed as the training images are; None: the samples that the runs keep.
        count: Columns, at most.
        labels: Of the models; none: their names.
        strength: Of the results for ``images``.
        width: Of the figure, in inches.
        device: Where the networks of bundles run for ``images``: "cpu", "cuda:1".

    Returns:
        The number of columns.

    Raises:
        AttrxferError: The file cannot be a figure, there are other labels than models, a model keeps no samples, or models
            keep those of different inputs.
    """
    check(path)
    if labels and len(labels) != len(models):
        raise AttrxferError(
            f"--label is given {len(labels)} times for {len(models)} models: give it once for each, in their order"
        )
    names = list(labels) or [Path(name).name for name in models]
    if images is None:
        rows = _samples(models, names, host)
    else:
        paths = [image for image, _ in find_images([images])][:count]
        rows = _results([load_model(name, host, device) for name in models], names, paths, strength)
    rows = [(label, own[:count]) for label, own in rows]
    write_figure(path, rows, width)
    return len(rows[0][1])


def _samples(models: Sequence[str], names: Sequence[str], host: Host) -> list[Row]:
    found = {name: samples.read_samples(Path(name)) for name in models}
    without = next((name for name, own in found.items() if not own), None)
    if without is not None:
        locate(without, host)  # where there is no such model, this says so
        raise AttrxferError(f"{without}: keeps no sample images, as the folder of a run does: give images with --images FOLDER")
    groups = samples.of_same_inputs(found)
    if len(groups) > 1:
        first, second = (next(iter(group)) for group in groups[:2])
        raise AttrxferError(f"{first} and {second} keep samples of different inputs: give images with --images FOLDER")
    known = dict(zip(models, names, strict=True))
    return [(known.get(label, label), own) for label, own in samples.rows(groups[0])]


def _results(opened: Sequence[CallableModel], names: Sequence[str], paths: Sequence[Path], strength: float) -> list[Row]:
    """The inputs at the size of the largest model, and each model's results at its own."""

    def at(side: int) -> NDArray[np.uint8]:
        return np.stack([frame(open_rgb(path), opened[0].framing, side) for path in paths])

    source = (samples.SOURCE, at(max(model.size for model in opened)))
    return [source, *((name, model.images(at(model.size), strength)) for name, model in zip(names, opened, strict=True))]
