"""What can be scored: models, methods, folders of results; and the inputs they are given."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attrxfer.data import CachedDataset, Sets
from attrxfer.errors import AttrxferError, DataError
from attrxfer.evaluation.scores import HeldOutInputs, HeldOutResults, Scorecard, inputs, score
from attrxfer.interfaces import LearnsFromData, Metric, Model, PicksImages, ReferenceMethod, TransfersImages
from attrxfer.media.images import find_images, frame, open_rgb
from attrxfer.model import bundle
from attrxfer.model.loading import CPU, load_model, locate, metadata_at
from attrxfer.model.method import MethodModel, build_method
from attrxfer.model.resized import ResizedModel
from attrxfer.plugin.host import Host
from attrxfer.plugin.registry import Registry
from attrxfer.recipe import Recipe
from attrxfer.recipe.tables import spec_of
from attrxfer.training.parts import train_parts

log = logging.getLogger("attrxfer")
Images = NDArray[np.uint8]


@dataclass(frozen=True)
class Candidate:
    """Results that can be scored.

    Attributes:
        name: Its name in tables.
        outputs: Its results for the inputs, uint8 (N, S, S, 3).
        model: The model that made them, where it is known.
        picked: Row numbers (N,) of the data, where the results are real images.
    """

    name: str
    outputs: Images
    model: Model | None = None
    picked: NDArray[np.int64] | None = None


def held_out(recipe: Recipe, data: CachedDataset, sets: Sets, limit: int, *, validation: bool = False) -> HeldOutInputs | None:
    """The test (or validation) inputs of a recipe's task, at most ``limit``; None when there are none."""
    rows = sets.validation_input if validation else sets.test_input
    return inputs(data, rows, recipe.task.guided, limit, recipe.train.seed)


def candidate(what: str, held: HeldOutInputs, host: Host, strength: float = 1.0, device: str = CPU) -> Candidate:
    """Results for the inputs.

    Args:
        what: What ``load_model`` opens, or a folder of images named as the inputs.
        held: The inputs.
        host: The plugins.
        strength: The strength of a model, or of a method that transfers any image.
        device: Where the networks of a bundle are placed.

    Raises:
        AttrxferError: It is none of these, a model for other attributes, a method that is missing something or does not apply,
            or one without strength where ``strength`` is not 1.
    """
    if is_folder_of_results(what):
        return Candidate(what, _of_folder(Path(what), held))
    side = held.sources.shape[1]
    name = what if strength == 1 else f"{what} at {strength:g}"
    place = locate(what, host)
    if isinstance(place, str):
        method_class = spec_of("method", what, host.registry, side).component.load()
        if isinstance(method_class, TransfersImages) and not isinstance(method_class, LearnsFromData):
            method = MethodModel(what, host, side)
            return Candidate(name, method.images(held.sources, strength), method)
        if strength != 1:
            raise AttrxferError(f"method {what} has no strength: score it without --strength")
        result = of_method(what, held, host.registry)
        if result is None:
            raise AttrxferError(f"method {what} does not apply to these data")
        return result
    model = load_model(what, host, device if place.is_dir() else CPU)
    if model.can_change and set(held.target) <= set(model.can_change):
        model = load_model(what, host, device, held.target)
    if dict(model.guided) != dict(held.target):
        raise AttrxferError(f"{what}: makes {dict(model.guided)}, but {dict(held.target)} is scored")
    if model.size != side:
        log.info("%s: works at %d px; its change is resized to the %d px at which all are scored", what, model.size, side)
        model = ResizedModel(model, side)
    return Candidate(name, model.images(held.sources, strength), model)


def is_folder_of_results(what: str) -> bool:
    """Whether this is a folder, and neither a bundle nor a run."""
    path = Path(what)
    return path.is_dir() and not bundle.is_there(path) and not (path / "recipe.toml").is_file()


def recipe_of(what: str, host: Host) -> Mapping[str, Any] | None:
    """The filled recipe that a candidate was trained by; None where it was not trained, or does not know.

    Raises:
        AttrxferError: It is no candidate; the message names the nearest model.
    """
    if is_folder_of_results(what):
        return None
    place = locate(what, host)
    if isinstance(place, str):
        return None
    recipe: Mapping[str, Any] | None = metadata_at(place, host).get("recipe")
    return recipe


def of_method(name: str, held: HeldOutInputs, registry: Registry) -> Candidate | None:
    """A method's results for the inputs; None where it does not apply to these data.

    Raises:
        AttrxferError: Something that the method reads is missing.
    """
    spec, method, built = build_method(name, registry, held.sources.shape[1])
    train_parts(spec, built, held.data, held.target, registry)
    picked = method.picks(held.data, held.target, held.rows) if isinstance(method, PicksImages) else None
    outputs = held.data.images_u8(picked) if picked is not None else method(held.data, held.target, held.rows)
    return None if outputs is None else Candidate(name, outputs, picked=picked)


def reference_rows(held: HeldOutInputs, registry: Registry) -> Iterator[Candidate]:
    """The methods that stand in every scorecard, as far as they apply."""
    for component in registry.all("method"):
        method = component.load()
        if isinstance(method, ReferenceMethod) and method.reference:
            row = of_method(component.name, held, registry)
            if row is not None:
                yield row


def scorecards(
    held: HeldOutInputs, candidates: Sequence[Candidate], metrics: Sequence[Metric]
) -> list[tuple[Scorecard, HeldOutResults]]:
    """The scores of every candidate by every metric."""
    results = [held.results(one.outputs, one.model, one.picked) for one in candidates]
    return [(score(one.name, result, metrics), result) for one, result in zip(candidates, results, strict=True)]


def _of_folder(folder: Path, held: HeldOutInputs) -> Images:
    """Images of a folder by the names of the inputs, whatever their suffix, at the inputs' size: by the whole path below
    the folder, or by the file's name alone where no two files and no two inputs share it."""
    names = [Path(held.data.records.names[row]).with_suffix("") for row in held.rows]
    files = {relative.with_suffix(""): path for path, relative in find_images([folder])}
    if not all(name in files for name in names):
        short = {name.name: path for name, path in files.items()}
        if len(short) == len(files) and len({name.name for name in names}) == len(names):
            files, names = {Path(name): path for name, path in short.items()}, [Path(name.name) for name in names]
    missing = [str(name) for name in names if name not in files]
    if missing:
        raise DataError(f"{folder}: no result for {missing[0]} and {len(missing) - 1} more of {len(names)} inputs")
    side = held.sources.shape[1]
    return np.stack([frame(open_rgb(files[name]), None, side) for name in names])
