"""What can be scored: a bundle or run, a method, a folder of results; and the inputs they are given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attrxfer.data import CachedDataset, Sets
from attrxfer.errors import AttrxferError, DataError, did_you_mean
from attrxfer.evaluation.scores import HeldOutInputs, HeldOutResults, Scorecard, inputs, score
from attrxfer.interfaces import Metric, Model
from attrxfer.media.images import find_images, frame, open_rgb
from attrxfer.model import bundle, exported
from attrxfer.model.loading import TorchModel
from attrxfer.plugin.parameters import Spec, build, named, with_nested
from attrxfer.plugin.registry import Registry
from attrxfer.recipe import Recipe

Images = NDArray[np.uint8]


@dataclass(frozen=True)
class Candidate:
    """name: as tables show it. outputs: its results for the inputs (N, S, S, 3). model: what made them, where known.
    picked: the rows of the data that they are, where they are real images."""

    name: str
    outputs: Images
    model: Model | None = None
    picked: NDArray[np.int64] | None = None


def held_out(recipe: Recipe, data: CachedDataset, sets: Sets, limit: int, *, validation: bool = False) -> HeldOutInputs | None:
    """The test (or validation) inputs of a recipe's task, at most ``limit``; None when there are none."""
    rows = sets.validation_input if validation else sets.test_input
    return inputs(data, rows, recipe.task.guided, limit, recipe.train.seed)


def candidate(what: str, given: HeldOutInputs, registry: Registry, strength: float = 1.0) -> Candidate:
    """Results for the inputs from a bundle, a finished run, an exported file, a method by name, or a folder of images
    named as the inputs.

    Raises AttrxferError for anything else, and when a bundle was trained for another attribute or size.
    """
    require(what, registry)
    path = Path(what)
    if what in registry.names("method"):
        found = of_method(what, given, registry)
        if found is None:
            raise AttrxferError(f"method {what} does not apply to these data")
        return found
    in_one_file = exported.find(path, registry)
    if in_one_file is None and not bundle.is_there(path) and not (path / "recipe.toml").is_file():
        return Candidate(what, _of_folder(path, given))
    bundled = None if in_one_file else TorchModel(bundle.load(path, registry))
    transfer = in_one_file or bundled
    assert transfer is not None
    side = given.sources.shape[1]
    if dict(transfer.guided) != dict(given.target) or transfer.size != side:
        raise AttrxferError(
            f"{what}: makes {dict(transfer.guided)} at {transfer.size} px, but {dict(given.target)} at {side} px is scored"
        )
    name = what if strength == 1 else f"{what} at {strength:g}"
    return Candidate(name, transfer.images(given.sources, strength), bundled)


def require(what: str, registry: Registry) -> None:
    """Raises AttrxferError for what is neither a folder nor an exported file nor a method."""
    methods = registry.names("method")
    exporters: list[Any] = [component.load() for component in registry.all("exporter")]
    suffixes = [exporter.suffix for exporter in exporters]
    there = Path(what).is_dir() or (Path(what).is_file() and Path(what).suffix in suffixes)
    if what not in methods and not there:
        raise AttrxferError(f"{what}: no bundle, run or folder of images, and no method{did_you_mean(what, methods)}")


def of_method(name: str, given: HeldOutInputs, registry: Registry) -> Candidate | None:
    """A method's results for the inputs, None where it does not apply to these data."""
    method = build(named("method", name, registry, size=given.sources.shape[1]), {})
    arguments = given.data, given.target, given.rows
    picked = method.picks(*arguments) if hasattr(method, "picks") else None
    outputs = given.data.images_u8(picked) if picked is not None else method(*arguments)
    return None if outputs is None else Candidate(name, outputs, picked=picked)


def reference_rows(given: HeldOutInputs, registry: Registry) -> Iterator[Candidate]:
    """The methods that stand in every scorecard, as far as they apply."""
    for component in registry.all("method"):
        if getattr(component.load(), "reference", False):
            found = of_method(component.name, given, registry)
            if found is not None:
                yield found


def made_metrics(recipe: Recipe, data: CachedDataset) -> list[Metric]:
    """The recipe's metrics. Raises DataError where one, or a part of one, cannot be used with these data."""
    memo: dict[str, Any] = {}
    metrics: list[Metric] = [build(spec, memo) for spec in recipe.metric]
    for part in memo.values():
        if hasattr(part, "check_data"):
            part.check_data(data)
    return metrics


def scorecards(
    given: HeldOutInputs, candidates: Sequence[Candidate], metrics: Sequence[Metric]
) -> list[tuple[Scorecard, HeldOutResults]]:
    """Every candidate under every metric."""
    results = [given.results(one.outputs, one.model, one.picked) for one in candidates]
    return [(score(one.name, found, metrics), found) for one, found in zip(candidates, results, strict=True)]


def refuse_teachers(cards: Mapping[str, Mapping[str, Any]], recipe: Recipe) -> None:
    """The judge is never the teacher: raises AttrxferError when a features network that a metric of the recipe reads, or a
    file of weights, took part in training one of the bundles, whose cards are given by name; or when the network is one that
    only training gives weights."""
    taught = {name: list(_tables({k: v for k, v in card["recipe"].items() if k != "metric"})) for name, card in cards.items()}
    for metric in recipe.metric:
        for spec in [inner for inner in with_nested(metric) if inner.kind == "features"]:
            if getattr(spec.component.load(), "stages", ()):
                raise AttrxferError(
                    f"metric {metric.name}: features {spec.name} learns in a run of its own; name one with weights"
                )
            for name, tables in taught.items():
                if spec.table() in tables:
                    raise _is_teacher(name, f"features {spec.name}", metric)
        for file in _files(metric.values):
            for name, tables in taught.items():
                if any(isinstance(v, str) and Path(v).resolve() == file for table in tables for v in table.values()):
                    raise _is_teacher(name, str(file), metric)


def _is_teacher(name: str, network: str, metric: Spec) -> AttrxferError:
    return AttrxferError(
        f"{name}: was trained with {network}, which metric {metric.name} reads: a judge must not be the teacher; give the "
        f"metric another network"
    )


def _files(values: Mapping[str, Any]) -> set[Path]:
    """The files among a component's values."""
    found = [item for value in values.values() for item in (value if isinstance(value, tuple) else (value,))]
    return {item.resolve() for item in found if isinstance(item, Path) and item.is_file()}


def _tables(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every component's table inside a filled recipe."""
    if isinstance(value, Mapping):
        if "use" in value:
            yield value
        for inner in value.values():
            yield from _tables(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _tables(inner)


def _of_folder(folder: Path, given: HeldOutInputs) -> Images:
    """Images of a folder by the names of the inputs, whatever their suffix, at the inputs' size: by the whole path below
    the folder, or by the file's name alone where no two files and no two inputs share it."""
    names = [Path(given.data.records.names[row]).with_suffix("") for row in given.rows]
    files = {relative.with_suffix(""): path for path, relative in find_images([folder])}
    if not all(name in files for name in names):
        short = {name.name: path for name, path in files.items()}
        if len(short) == len(files) and len({name.name for name in names}) == len(names):
            files, names = {Path(name): path for name, path in short.items()}, [Path(name.name) for name in names]
    missing = [str(name) for name in names if name not in files]
    if missing:
        raise DataError(f"{folder}: no result for {missing[0]} and {len(missing) - 1} more of {len(names)} inputs")
    side = given.sources.shape[1]
    return np.stack([frame(open_rgb(files[name]), None, side) for name in names])
