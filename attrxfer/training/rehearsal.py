"""One update of D and of T on random images, before a run begins: what would fail inside training fails here."""

from __future__ import annotations

import torch

from attrxfer.errors import AttrxferError, Problem
from attrxfer.interfaces import Loss
from attrxfer.recipe.assembly import Assembly
from attrxfer.recipe.preflight import problem_of
from attrxfer.training.step import Step

COUNT = 2
"""Random images; two, so that batch statistics can be taken."""
FAILURE = "fails on random images"


def rehearse(assembly: Assembly) -> list[Problem]:
    """Try the adversarial game of an assembly that was built and will not be trained.

    Returns:
        What failed, with its place in the recipe and the error's own words; none for a recipe that plays no such game.
    """
    recipe = assembly.recipe
    slots = {stage.slot for stage in assembly.stages if recipe.stage(stage.name).values.get("steps", 1)}
    if "adversarial" not in slots:
        return []
    places = {id(assembly.built(place)): place.path for place in assembly.components()}
    size = recipe.train.size
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.train.seed)
        source, guided = torch.rand(2, COUNT, 3, size, size) * 2 - 1
        uniform = torch.rand(COUNT, 8)
        generator, discriminator = assembly.one("generator"), assembly.one("discriminator")
        adversarial = assembly.one("adversarial")
        step = Step(generator, discriminator, adversarial, source, lambda key, columns: torch.rand(COUNT, columns))
        try:
            fake = step.output
            terms = [adversarial.generator_loss(step.discriminate(fake).logit)]
            seen = [adversarial.augment(images, uniform) for images in (guided, fake.detach())]
            sum(adversarial.discriminator_loss(discriminator, *seen, 0).values(), torch.zeros(())).backward()
        except Exception as error:  # a third party's component may raise anything
            return [problem_of("adversarial", error, FAILURE)]
        problems = []
        losses: tuple[Loss, ...] = (*assembly.many("identity"), *assembly.many("regularizer"))
        for loss in losses:
            try:
                term = loss.weight * loss(step)
                if term.numel() != 1:
                    raise AttrxferError(f"a loss is one number, this one has the shape {tuple(term.shape)}")
                terms.append(term)
            except Exception as error:  # a third party's component may raise anything
                problems.append(problem_of(places[id(loss)], error, FAILURE))
        if not problems:
            try:
                torch.stack([term.reshape(()) for term in terms]).sum().backward()
            except Exception as error:
                problems.append(problem_of("", error, FAILURE))
    return problems
