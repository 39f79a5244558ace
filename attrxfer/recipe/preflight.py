"""The problems of a recipe that can be found before training, without its data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from attrxfer.errors import AttrxferError, Problem, one_line
from attrxfer.interfaces import ChecksRecipe, Discriminator, Features, Generator, HasParts
from attrxfer.recipe.assembly import Assembly

if TYPE_CHECKING:
    from torch import Tensor, nn

Shape = tuple[int, ...]


class AssembledRecipe:
    """The implementation of ``interfaces.RecipeView``: it finds shapes by passing an image through the networks."""

    def __init__(self, assembly: Assembly) -> None:
        self.assembly = assembly
        self.size = assembly.recipe.train.size

    def _image(self, size: int | None = None) -> Tensor:
        import torch

        return torch.zeros(1, 3, size or self.size, size or self.size)

    @property
    def generator(self) -> Generator:
        made: Generator = self.assembly.one("generator")
        return made

    @property
    def discriminator(self) -> Discriminator:
        made: Discriminator = self.assembly.one("discriminator")
        return made

    @cached_property
    def generator_parts(self) -> Mapping[str, Shape]:
        generator = self.generator
        made = _passed(generator.parts if isinstance(generator, HasParts) else generator, generator, self._image())
        return {name: tuple(part.shape) for name, part in (made if isinstance(made, Mapping) else {"output": made}).items()}

    @cached_property
    def discriminator_features(self) -> Sequence[Shape]:
        discriminator = self.discriminator
        return [tuple(maps.shape) for maps in _passed(discriminator, discriminator, self._image()).features]

    def features(self, network: Features, size: int | None = None) -> Sequence[Shape]:
        return [tuple(maps.shape) for maps in _passed(network, network, self._image(size))]

    def owner(self, stage: object) -> object | None:
        owners = [self.assembly.owner(one) for one in self.assembly.stages if self.assembly.stage(one) is stage]
        return owners[0] if owners else None

    def try_network(self, network: nn.Module) -> None:
        """Pass an image through a network of any kind. Raises what the network raises."""
        _passed(network, network, self._image())


def preflight(assembly: Assembly) -> list[Problem]:
    """Build the components of a recipe, pass an image through its networks, and let each component check itself against the
    others.

    Args:
        assembly: Nothing of it may be missing on this machine (``assembly.missing()``), and none of its components trained.
            The checks train nothing.

    Returns:
        Problems, each with its place in the recipe ("identity[0].layers").
    """
    try:
        assembly.build_training()
        recipe = assembly.recipe
        for spec in (recipe.data, *([recipe.selection] if recipe.selection else []), *recipe.metric):
            assembly.build(spec)
    except Exception as error:  # a third party's constructor may raise anything
        return [problem_of("", error, "cannot be built")]
    view = AssembledRecipe(assembly)
    problems = _broken_networks(assembly, view)
    if problems:
        return problems
    for place in assembly.components():
        component = assembly.built(place)
        if isinstance(component, ChecksRecipe):
            try:
                own = list(component.check_recipe(view))
            except Exception as error:  # a third party's check, or the networks that it asks about, may raise anything
                own = [problem_of("", error, "cannot be checked")]
            problems += [Problem(".".join(filter(None, (place.path, one.path))), one.message) for one in own]
    return problems


def _broken_networks(assembly: Assembly, view: AssembledRecipe) -> list[Problem]:
    """The networks, nested ones too, that cannot take an image of the recipe's size; a metric's may see another size."""
    problems = []
    for place in assembly.components():
        if place.spec.kind in ("generator", "discriminator", "features") and not place.path.startswith("metric"):
            try:
                view.try_network(assembly.built(place))
            except Exception as error:  # a third party's network may raise anything
                problems.append(problem_of(place.path, error, f"fails on an image of {view.size} px"))
    return problems


def problem_of(path: str, error: Exception, failure: str) -> Problem:
    """An error as a problem.

    Args:
        path: The place in the recipe.
        error: An error of attrxfer's is its own message; another one is named with its type after ``failure``.
        failure: What failed, for example "cannot be built".
    """
    words = one_line(error)
    return Problem(path, words if isinstance(error, AttrxferError) else f"{failure}: {type(error).__name__}: {words}")


def _passed(run: Any, network: Any, image: Tensor) -> Any:
    """What a network makes of an image, in eval mode and without gradients; its mode is as it was afterwards."""
    import torch

    training = network.training
    network.eval()
    with torch.no_grad():
        made = run(image)
    network.train(training)
    return made
