"""The sample images that a run keeps: its inputs, its results, and the exact truth where there is one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from attrxfer.errors import DataError
from attrxfer.report.pages import side_by_side
from attrxfer.storage.run_folder import RunFolder

Images = NDArray[np.uint8]
SOURCE, RESULT, TRUTH = "source", "result", "truth"


def read_samples(run: Path) -> dict[str, Images]:
    """The samples of a finished run.

    Args:
        run: Its folder, or the bundle in it.

    Returns:
        Images uint8 (N, S, S, 3) of "source", "result" and "truth", as far as they are there; empty for a bundle alone.

    Raises:
        DataError: A file of them is no strip of square images.
    """
    folder = RunFolder(run.resolve().parent if run.name == "bundle" else run)
    paths = {name: folder.samples / f"{name}.png" for name in (SOURCE, RESULT, TRUTH)}
    if not paths[SOURCE].is_file() or not paths[RESULT].is_file():
        return {}
    return {name: _read(path) for name, path in paths.items() if path.is_file()}


def _read(path: Path) -> Images:
    try:
        with Image.open(path) as image:
            strip = np.asarray(image.convert("RGB"))
    except (OSError, Image.DecompressionBombError):
        raise DataError(f"{path}: no image that can be read") from None
    side = strip.shape[0]
    if strip.shape[1] % side:
        raise DataError(f"{path}: is not a row of square images")
    return np.stack(np.split(strip, strip.shape[1] // side, axis=1))


def of_same_inputs(samples: Mapping[str, Mapping[str, Images]]) -> list[dict[str, Mapping[str, Images]]]:
    """Runs with their samples, in groups of those whose inputs are the same images; runs without samples are left out."""
    groups: list[dict[str, Mapping[str, Images]]] = []
    for name, own in samples.items():
        if own:
            fits = (group for group in groups if np.array_equal(next(iter(group.values()))[SOURCE], own[SOURCE]))
            group = next(fits, None)
            if group is None:
                groups.append({name: own})
            else:
                group[name] = own
    return groups


def rows(group: Mapping[str, Mapping[str, Images]]) -> Iterator[tuple[str, Images]]:
    """The rows of a grid for runs of the same inputs: these, the results of each run, the exact truth where there is one."""
    first = next(iter(group.values()))
    yield SOURCE, first[SOURCE]
    yield from ((name, own[RESULT]) for name, own in group.items())
    if TRUTH in first:
        yield TRUTH, first[TRUTH]


def strips(runs: Mapping[str, Path]) -> list[tuple[str, list[tuple[str, str]]]]:
    """The samples of runs for a page: a heading for each group of runs with the same inputs, then its rows as data URIs."""
    groups = of_same_inputs({name: read_samples(path) for name, path in runs.items()})
    return [
        (
            "Samples" if len(groups) == 1 else f"Samples of {', '.join(group)}",
            [(label, side_by_side(own)) for label, own in rows(group)],
        )
        for group in groups
    ]
