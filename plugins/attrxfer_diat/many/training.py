"""Algorithm 1 for many attributes at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, one_hot

from attrxfer.errors import AttrxferError
from attrxfer.interfaces import (
    Adversarial,
    Batch,
    Change,
    ClassifiesAttributes,
    Conditional,
    Discrimination,
    Run,
    Slot,
    TransferStep,
)
from attrxfer.model.condition import change_of
from attrxfer_diat.adversarial import Gan
from attrxfer_diat.stages import AdversarialTraining

ALSO = 0.15
"""Probability that an attribute is flipped beside the chosen one, and that one is asked for that the image has."""
CONTENT = 0.1
"""Probability that the chosen attribute is asked for as the image has it, so that nothing should change."""


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


class ManyGan(Gan):
    """The attribute loss of eq. 3 for many attributes: every real image counts as real, and D's further logits say which
    attributes an image has. The settings are those of ``gan``."""

    stages: ClassVar[tuple[tuple[Slot, str], ...]] = (("adversarial", "adversarial_many"),)


class ManyAttributesTraining(AdversarialTraining):
    """Algorithm 1 where each image has a wanted change of its own.

    Each update of T draws, for each image, an attribute that is flipped, and now and then others with it. Now and then it asks
    for what an image has already, which T must learn to leave as it is. T's objective is that
    of eq. 14 with ``attributes_loss`` of D's logits and the wanted attributes; D's has that of real images. The
    images to transfer and the real ones are both drawn from the whole training split. Settings: those of ``adversarial``.
    """

    def prepare(self, run: Run, owner: Adversarial) -> None:
        super().prepare(run, owner)
        generator, discriminator = run.generator, run.discriminator
        if not isinstance(generator, Conditional) or not isinstance(discriminator, ClassifiesAttributes):
            raise AttrxferError(
                'adversarial "gan_many" needs networks for many attributes: generator "masked_many", discriminator "diat_many"'
            )
        if generator.attributes != discriminator.attributes:
            raise AttrxferError(
                f"discriminator.attributes: {', '.join(discriminator.attributes)}, but the generator's are "
                f"{', '.join(generator.attributes)}"
            )
        if self.transform == "set":
            raise AttrxferError('train.adversarial_many.transform: "set" is for one attribute; take "batch"')
        self.attributes = generator.attributes
        self.classification = discriminator.classification
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
        chosen = one_hot((uniform[:, 0] * count).long().clamp_max(count - 1), count).bool()
        content = uniform[:, 1:2] < CONTENT
        flipped = ((chosen | (uniform[:, 2 : 2 + count] < ALSO)) & ~content).float()
        asked = (((chosen & content) | (uniform[:, 2 + count :] < ALSO)).float() + flipped).clamp_max(1)
        self.wanted = (labels - flipped).abs()
        step = self.run.transfer(batch.images, index, Change(asked * (2 * self.wanted - 1), asked * (2 * labels - 1)))
        with self.devices.autocast():
            _ = step.output
        return step

    def _update_discriminator(self, index: int, source: Tensor, fake: Tensor) -> dict[str, Tensor]:
        run = self.run
        batch = run.batch("all", 1_000_000 + index, self.batch_size)  # other images than those that T gets
        uniform = run.uniform("augment_discriminator", index, self.batch_size, 16)
        real = self.adversarial.augment(batch.images, uniform[:, :8])
        mixed = self.image_pool.mix(fake, run.uniform("pool", index, self.batch_size, 2))
        generated = self.adversarial.augment(mixed, uniform[:, 8:])
        seen: list[Discrimination] = []

        def discriminator(images: Tensor) -> Discrimination:
            seen.append(self.discriminator(images))
            return seen[-1]

        with self.devices.autocast():
            terms = dict(self.adversarial.discriminator_loss(discriminator, real, generated, index))
            logits = seen[0].attributes
            assert logits is not None
            terms["attributes"] = self.classification * attributes_loss(logits[: len(real)], self.labels(batch))
            terms.update(self._own_terms(batch.images, source, mixed))
        return self._step_discriminator(terms)

    def _terms(self, step: TransferStep) -> dict[str, Tensor]:
        terms = super()._terms(step)
        logits = step.discriminate(step.output).attributes
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
