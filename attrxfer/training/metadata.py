"""The metadata of a bundle, from the run that made it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attrxfer.data import CachedDataset, Sets
from attrxfer.interfaces import Framing, HasFraming, HasPatches, NamesWeights
from attrxfer.model.attribute_regression import LARGEST, AttributeRegression
from attrxfer.model.reach import measured_reach
from attrxfer.model.texture import FITTED, LIMITED, Texture
from attrxfer.plugin.host import Host
from attrxfer.recipe import Recipe
from attrxfer.recipe.assembly import Assembly
from attrxfer.storage.run_folder import RunFolder

UNKNOWN = {"texture": None, "attribute": None}
"""What is known of images that are patches: one image of a scene says little of the next."""


def bundle_metadata(assembly: Assembly, data: CachedDataset, sets: Sets, folder: RunFolder, host: Host) -> dict[str, Any]:
    """The metadata of a run's bundle, as JSON takes it.

    Args:
        assembly: The components that were trained.
        data: The opened data set.
        sets: Its sets for the task.
        folder: The run's folder.
        host: The plugins.

    Returns:
        task, size, framing, alignment, reach (see ``TransfersWholeImages``; null where images are no patches), recipe,
        plugins, licences, weights (SHA-256 of the user's files of weights that components read), trained, texture and attribute
        (what ``Texture`` and ``AttributeRegression`` found in the training images; null where there are too few, or images are
        patches), and scores, which are empty.
    """
    recipe = assembly.recipe
    framing, alignment = placement(data, sets)
    owners = {host.registry.get(spec.kind, spec.name).owner for spec in chain_specs(recipe)}
    licences = {place.spec.component.licence for place in assembly.components()} - {""}
    return {
        "task": {"name": recipe.task.name, "guided": dict(recipe.task.guided)},
        "size": recipe.train.size,
        "framing": framing._asdict() if framing else None,
        "alignment": alignment.tolist() if alignment is not None else None,
        "reach": measured_reach((assembly.one("generator"), *assembly.many("enhancer"))) if _are_patches(data) else None,
        "recipe": recipe.filled(),
        "plugins": {plugin.name: plugin.version for plugin in host.plugins() if plugin.name in owners},
        "licences": sorted(licences),
        "weights": _given_weights(assembly),
        "trained": _trained(folder),
        **(UNKNOWN if _are_patches(data) else _known_images(data, sets, recipe.task.guided, recipe.train.seed)),
        "scores": {},
    }


def _are_patches(data: CachedDataset) -> bool:
    return isinstance(data.dataset, HasPatches) and data.dataset.patches


def placement(data: CachedDataset, sets: Sets) -> tuple[Framing | None, NDArray[np.float32] | None]:
    """How the data set cuts its images, and the mean landmarks (P, 2) of a task's training images; None where it does not
    say."""
    dataset = data.dataset
    framing = dataset.framing if isinstance(dataset, HasFraming) else None
    return framing, data.mean_landmarks(np.union1d(sets.guided, sets.input))


def _known_images(data: CachedDataset, sets: Sets, guided: Mapping[str, bool], seed: int) -> dict[str, Any]:
    """What the training images look like, and which images have the guided attributes."""
    random = np.random.default_rng(seed)

    def some(rows: NDArray[np.int64], most: int) -> NDArray[np.uint8]:
        return data.images_u8(random.permutation(rows)[:most])

    texture = Texture.fit(some(np.union1d(sets.guided, sets.input), FITTED + LIMITED))
    validation = len(sets.validation_input) > 0
    split, inputs = ("validation", sets.validation_input) if validation else ("test", sets.test_input)
    regression = AttributeRegression.fit(
        (some(sets.guided, LARGEST), some(sets.input, LARGEST)),
        (some(data.rows(split, guided), LARGEST), some(inputs, LARGEST)),
    )
    return {
        "texture": texture.table() if texture is not None else None,
        "attribute": regression.table() if regression is not None else None,
    }


def _given_weights(assembly: Assembly) -> dict[str, str]:
    """{component and its place in the recipe: SHA-256 of the file that its weights were read from}."""
    components = [(place, assembly.built(place)) for place in assembly.components()]
    return {
        f"{place.spec.kind} {place.spec.name}, {place.path}": component.weights_sha256
        for place, component in components
        if isinstance(component, NamesWeights)
    }


def chain_specs(recipe: Recipe) -> list[Any]:
    """The components whose networks a bundle keeps: the generator, then the enhancers in the recipe's order."""
    return [recipe.generator, *recipe.enhancer]


def _trained(folder: RunFolder) -> dict[str, Any]:
    """On what it was trained, and the seconds of all its steps, also of those before a run was resumed."""
    environment = folder.read_info().get("environment", {})
    known = {name: environment[name] for name in ("device", "threads", "processes", "precision") if name in environment}
    return {"seconds": round(sum(line["seconds"] for line in folder.read_metrics())), **known}
