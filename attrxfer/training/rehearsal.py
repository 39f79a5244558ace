"""One update of D and of T on random images, before a run begins: what would fail inside training fails here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import torch

from attrxfer.errors import AttrxferError, Problem
from attrxfer.interfaces import HasDiscriminator, Loss, SupervisesDiscriminator
from attrxfer.recipe.assembly import Assembly
from attrxfer.recipe.preflight import problem_of
from attrxfer.training.step import Step

COUNT = 2
"""Random images, so that batch statistics can be taken; one where a stage has batches of one."""
FAILURE = "fails on random images"


def rehearse(assembly: Assembly) -> list[Problem]:
    """Try the adversarial updates and the enhancers of an assembly that was built and will not be trained.

    Returns:
        What failed, with its place in the recipe and the error's own words.
    """
    recipe = assembly.recipe
    values = {stage: recipe.stage(stage.name).values for stage in assembly.stages}
    trained = [stage for stage in assembly.stages if values[stage].get("steps", 1)]
    count = min([COUNT, *(values[stage].get("batch_size", COUNT) for stage in trained)])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.train.seed)
        source, guided = torch.rand(2, count, 3, recipe.train.size, recipe.train.size) * 2 - 1

        def uniform(name: str, columns: int) -> torch.Tensor:
            return torch.rand(count, columns)

        generator, discriminator, adversarial = (assembly.one(kind) for kind in ("generator", "discriminator", "adversarial"))
        step = Step(generator, discriminator, adversarial, source, uniform, lambda: guided)
        plays = any(stage.slot == "adversarial" for stage in trained)
        networks: list[tuple[str, Callable[[], object]]] = [("generator", lambda: step.output)]
        if plays:
            networks.append(("discriminator", lambda: step.discriminate(step.output)))
        for place, run in networks:
            try:
                run()
            except Exception as error:  # a third party's network may raise anything
                return [problem_of(place, error, FAILURE)]
        problems = _adversarial(assembly, step, guided) if plays else []
        return problems or list(_enhancers(assembly, step))


def _adversarial(assembly: Assembly, step: Step, guided: torch.Tensor) -> list[Problem]:
    """What fails in one update of D and one of T, without an optimizer."""
    adversarial, discriminator = assembly.one("adversarial"), assembly.one("discriminator")
    try:
        fake = step.output
        terms = [step.attribute_loss]
        real, generated = (adversarial.augment(images, step.uniform("rehearsal", 8)) for images in (guided, fake.detach()))
        _sum(adversarial.discriminator_loss(discriminator, real, generated, 0)).backward()
    except Exception as error:  # a third party's component may raise anything
        return [problem_of("adversarial", error, FAILURE)]
    places = {id(assembly.built(place)): place.path for place in assembly.components()}
    problems = []
    losses: tuple[Loss, ...] = (*assembly.many("identity"), *assembly.many("regularizer"))
    for loss in losses:
        try:
            term = loss.weight * loss(step)
            if term.numel() != 1:
                raise AttrxferError(f"a loss is one number, this one has the shape {tuple(term.shape)}")
            terms.append(term)
            if isinstance(loss, SupervisesDiscriminator) and loss.discriminator_weight:
                _sum(loss.discriminator_loss(discriminator, step.source, fake.detach())).backward()
            if isinstance(loss, HasDiscriminator):
                _sum(loss.own_discriminator_loss(guided, step.source, fake.detach())).backward()
        except Exception as error:  # a third party's component may raise anything
            problems.append(problem_of(places[id(loss)], error, FAILURE))
    if not problems:
        try:
            torch.stack([term.reshape(()) for term in terms]).sum().backward()
        except Exception as error:
            problems.append(problem_of("", error, FAILURE))
    return problems


def _sum(terms: Mapping[str, torch.Tensor]) -> torch.Tensor:
    return sum(terms.values(), torch.zeros(()))


def _enhancers(assembly: Assembly, step: Step) -> Iterator[Problem]:
    """The first enhancer that cannot improve T's output, each given what the one before it made."""
    places = {id(assembly.built(place)): place.path for place in assembly.components()}
    image = step.output.detach()
    for enhancer in assembly.many("enhancer"):
        try:
            with torch.no_grad():
                made = enhancer(image, step.source)
            if made.shape != image.shape:
                raise AttrxferError(f"makes images of the shape {tuple(made.shape)} from {tuple(image.shape)}")
            image = made
        except Exception as error:  # a third party's component may raise anything
            yield problem_of(places[id(enhancer)], error, FAILURE)
            return
