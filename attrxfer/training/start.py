"""The generator starts with the weights of a trained model: ``train.start``."""

from __future__ import annotations

from torch import nn

from attrxfer.errors import AttrxferError, Problem
from attrxfer.model import bundle
from attrxfer.model.bundle import Bundle
from attrxfer.model.loading import locate
from attrxfer.plugin.host import Host
from attrxfer.recipe import Recipe

SETTING = "train.start"


def start_problems(recipe: Recipe, generator: nn.Module, host: Host) -> tuple[Problem, ...]:
    """What keeps ``generator`` from taking the weights that ``train.start`` names; nothing where it names none."""
    try:
        start_generator(recipe, generator, host)
    except AttrxferError as error:
        return (Problem(SETTING, str(error)),)
    return ()


def start_generator(recipe: Recipe, generator: nn.Module, host: Host) -> None:
    """Give the generator the weights of the model that ``train.start`` names. Where it names none, nothing happens.

    Raises:
        AttrxferError: There is no such model, it is no bundle, or its generator is another one than the recipe's.
    """
    if not recipe.train.start:
        return
    first = _bundle(recipe.train.start, host)
    step = first.metadata["chain"][0]
    own, theirs = recipe.generator.table(), {key: value for key, value in step.items() if key != "kind"}
    if own["use"] != theirs["use"]:
        raise AttrxferError(f'{recipe.train.start} has the generator "{theirs["use"]}", this recipe "{own["use"]}"')
    try:
        generator.load_state_dict(first.chain[0].state_dict())
    except RuntimeError:
        other = [f"{key} = {theirs.get(key)} there, {own[key]} here" for key in own if own[key] != theirs.get(key)]
        raise AttrxferError(f"{recipe.train.start} has a generator of another form: {'; '.join(other)}") from None


def _bundle(name: str, host: Host) -> Bundle:
    place = locate(name, host)
    if isinstance(place, str) or place.is_file():
        raise AttrxferError(f"{name}: not a bundle, whose generator could be trained further")
    return bundle.load(place, host.registry)
