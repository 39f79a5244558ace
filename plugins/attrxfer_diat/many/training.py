"""Algorithm 1 for many attributes at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, one_hot

from attrxfer.errors import Problem
from attrxfer.interfaces import (
    Adversarial,
    Batch,
    Change,
    ClassifiesAttributes,
    ComparesReal,
    Conditional,
    Discrimination,
    RecipeView,
    Run,
    Slot,
    TransferStep,
)
from attrxfer.model.condition import change_of
from attrxfer_diat.adversarial import Gan
from attrxfer_diat.image_pool import ImagePool
from attrxfer_diat.stages import AdversarialTraining

ALSO = 0.15
"""Probability that an attribute is flipped beside the chosen one, and that one is asked for that the image has."""
CONTENT = 0.1
"""Probability that the chosen attribute is asked for as the image has it, so that nothing should change."""

REAL_BATCHES = 1_000_000
"""Number of the first batch of real images that D sees, beyond those that T gets."""


def attributes_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """The cross-entropy of D's attribute logits (N, K), summed over attributes and averaged over images, as in StarGAN's own
    code: what one attribute weighs does not depend on how many there are.

    Args:
        logits: (N, K).
        labels: (N, K) of 0 and 1.

    Returns:
        A scalar.
    """
    return binary_cross_entropy_with_logits(logits.float(), labels, reduction="sum") / len(logits)


def one_of(count: int, uniform: Tensor) -> Tensor:
    """Which of ``count`` attributes each random number (N,) in 0..1 chooses: bool (N, count), one true in each row."""
    return one_hot((uniform * count).long().clamp_max(count - 1), count).bool()


def projected(found: Discrimination, told: Tensor) -> Discrimination:
    """D's answer where it knows what the images were asked for: ``told`` (N, K) times the attributes' logits is added to each
    image's logit (projection: Miyato and Koyama, ICLR 2018)."""
    assert found.attributes is not None
    projection = (told * found.attributes.float()).sum(1)
    return found._replace(logit=found.logit + projection.view(-1, *[1] * (found.logit.dim() - 1)))


class ManyGan(Gan):
    """The attribute loss of eq. 3 for many attributes: every real image counts as real, and D's further logits say which
    attributes an image has. The settings are those of ``gan``."""

    stages: ClassVar[tuple[tuple[Slot, str], ...]] = (("adversarial", "adversarial_many"),)


class ManyAttributesTraining(AdversarialTraining):
    """Algorithm 1 where each image has a wanted change of its own.

    Each update of T draws, for each image, an attribute that is flipped, and now and then others with it. Now and then it asks
    for what an image has already, which T must learn to leave as it is. The images to transfer and the real ones are both drawn
    from the whole training split. Settings: those of ``adversarial``.

    D's loss is that of eq. 14 and ``attributes_loss`` of real images. A ``conditional`` D is told what T was asked for, and of
    each real image some of what is true of it: then T's attribute loss is eq. 3's alone. Without it, T also has
    ``attributes_loss`` of the wanted attributes, as in StarGAN; D never learns then that a changed image lacks what T was asked
    for, and T can please it with patterns that nobody sees.
    """

    def check_recipe(self, recipe: RecipeView) -> Iterator[Problem]:
        """Problems: networks for one attribute or for different ones; the transformed set; a conditional D that compares."""
        generator, discriminator = recipe.generator, recipe.discriminator
        if not isinstance(generator, Conditional) or not isinstance(discriminator, ClassifiesAttributes):
            yield Problem(
                "", 'needs networks for many attributes: generator "masked_many" and discriminator "diat_many", for example'
            )
            return
        if generator.attributes != discriminator.attributes:
            yield Problem(
                "",
                f"discriminator.attributes: {', '.join(discriminator.attributes)}, but generator.attributes: "
                f"{', '.join(generator.attributes)}",
            )
        if self.transform == "set":
            yield Problem("transform", '"set": it is for one attribute; take "batch"')
        owner = recipe.owner(self)
        if discriminator.conditional and isinstance(owner, ComparesReal) and owner.compares_real:
            yield Problem(
                "",
                'discriminator.conditional: not with adversarial.loss = "relativistic", which compares images that were asked '
                "for different things",
            )

    def prepare(self, run: Run, owner: Adversarial) -> None:
        super().prepare(run, owner)
        generator, discriminator = run.generator, run.discriminator
        assert isinstance(generator, Conditional) and isinstance(discriminator, ClassifiesAttributes)
        self.attributes = generator.attributes
        self.classification = discriminator.classification
        self.conditional = discriminator.conditional
        self.change_pool = ImagePool(self.pool)
        records = run.data.records.attributes
        self.all_labels = np.stack([records[name] for name in self.attributes], axis=1).astype(np.float32)

    def labels(self, batch: Batch) -> Tensor:
        """Which attributes the images of a batch have: (N, attributes) of 0 and 1."""
        return self.devices.tensor(self.all_labels[batch.rows])

    def _transform(self, index: int) -> TransferStep:
        batch = self.run.batch("all", index, self.batch_size)
        labels = self.labels(batch)
        count = len(self.attributes)
        uniform = self.run.uniform("change", index, self.batch_size, 2 + 2 * count)
        content = uniform[:, 1:2] < CONTENT
        chosen = one_of(count, uniform[:, 0])
        flipped = ((chosen | (uniform[:, 2 : 2 + count] < ALSO)) & ~content).float()
        asked = (((chosen & content) | (uniform[:, 2 + count :] < ALSO)).float() + flipped).clamp_max(1)
        self.wanted = (labels - flipped).abs()
        self.change = asked * (2 * self.wanted - 1)
        step = self.run.transfer(batch.images, index, Change(self.change, asked * (2 * labels - 1)))
        with self.devices.autocast():
            _ = step.output
        return step

    def _update_discriminator(self, index: int, source: Tensor, fake: Tensor) -> dict[str, Tensor]:
        run = self.run
        batch = run.batch("all", REAL_BATCHES + index, self.batch_size)
        uniform = run.uniform("augment_discriminator", index, self.batch_size, 16)
        real = self.adversarial.augment(batch.images, uniform[:, :8])
        draws = run.uniform("pool", index, self.batch_size, 2)
        mixed = self.image_pool.mix(fake, draws)
        told = self._told_of(batch, index, draws) if self.conditional else None
        generated = self.adversarial.augment(mixed, uniform[:, 8:])
        seen: list[Discrimination] = []

        def discriminator(images: Tensor) -> Discrimination:
            seen.append(self.discriminator(images))
            # a gradient penalty looks at images between real and generated ones: they count as generated
            return seen[-1] if told is None else projected(seen[-1], told[-len(images) :])

        with self.devices.autocast():
            terms = dict(self.adversarial.discriminator_loss(discriminator, real, generated, index))
            logits = seen[0].attributes
            assert logits is not None
            terms["attributes"] = self.classification * attributes_loss(logits[: len(real)], self.labels(batch))
            terms.update(self._own_terms(batch.images, source, mixed))
        return self._step_discriminator(terms)

    def _true_of(self, batch: Batch, index: int) -> Tensor:
        """What D is told of real images: some of what is true of each, as often as T is asked for something (N, K)."""
        count = len(self.attributes)
        uniform = self.run.uniform("told", index, self.batch_size, 1 + count)
        named = one_of(count, uniform[:, 0]) | (uniform[:, 1:] < ALSO)
        return named * (2 * self.labels(batch) - 1)

    def _told_of(self, batch: Batch, index: int, draws: Tensor) -> Tensor:
        """What D is told of real and of generated images (2 N, K); ``draws`` chooses from the pool, as for the images."""
        changes = self.change_pool.mix(self.change[:, :, None, None], draws)[:, :, 0, 0]
        return torch.cat([self._true_of(batch, index), changes])

    def _remember(self, fake: Tensor) -> None:
        super()._remember(fake)
        if self.conditional:
            self.change_pool.add(self.change[:, :, None, None])

    def state_dict(self) -> dict[str, Any]:
        own = {"change_pool": self.change_pool.state_dict()} if self.conditional else {}
        return {**super().state_dict(), **own}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        if self.conditional:
            self.change_pool.load_state_dict(state["change_pool"], self.devices.device)

    def _terms(self, step: TransferStep) -> dict[str, Tensor]:
        terms = super()._terms(step)
        found = step.discriminate(step.output)
        if self.conditional:
            terms["T attribute"] = self.adversarial.generator_loss(projected(found, self.change).logit)
            return terms
        logits = found.attributes
        assert logits is not None
        terms["T attributes"] = self.classification * attributes_loss(logits, self.wanted)
        return terms

    def preview(self, images: Tensor) -> Mapping[str, Tensor]:  # type: ignore[override]
        """A row for each attribute made true, and for each made false."""
        rows: dict[str, Any] = {}
        for name in self.attributes:
            for value in (True, False):
                change = change_of(self.attributes, {name: value}).to(images)
                rows[name if value else f"no {name}"] = self.ema_generator(images, change.expand(len(images), -1))
        return rows
