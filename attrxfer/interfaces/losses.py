"""Losses, which see one update of the generator, and what improves its images behind it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol, TypeVar

from attrxfer.interfaces.networks import Discrimination, Features

if TYPE_CHECKING:
    from torch import Tensor


T = TypeVar("T")
SLOTS = ("features", "pretrain", "regularize", "adversarial", "enhance")
Slot = Literal["features", "pretrain", "regularize", "adversarial", "enhance"]


class TransferStep(Protocol):
    """One update of the generator, as its losses see it: everything is computed once, when first asked for."""

    @property
    def source(self) -> Tensor:
        """x: images without the attribute (N, 3, S, S)."""
        ...

    @property
    def output(self) -> Tensor:
        """T(x), with graph."""
        ...

    @property
    def parts(self) -> Mapping[str, Tensor]:
        """All that the generator made of x: "output" and, for some generators, more."""
        ...

    def discriminate(self, images: Tensor) -> Discrimination:
        """D of ``step.source`` (without graph) or of ``step.output`` (with), under the adversarial term's augmentation."""
        ...

    def features(self, network: Features, images: Tensor) -> tuple[Tensor, ...]:
        """The maps of a features network of ``step.source`` (without graph) or of ``step.output`` (with)."""
        ...

    def uniform(self, key: str, columns: int) -> Tensor:
        """Random numbers in 0..1, (N, columns): a pure function of the run's seed, the iteration, ``key`` and the image's
        place in the batch, so that runs can be resumed and shared by several processes."""
        ...

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What ``make`` returned when this update first asked for ``key``: losses that need the same thing share it."""
        ...


Failure = Literal["the discriminator won", "the output equals the input", "mode collapse", "colour drift"]
"""What goes wrong in adversarial training, by name."""


@dataclass(frozen=True)
class DiscriminatorTerms:
    """What an adversarial component says of its discriminator loss, for the diagnostics of training.

    Attributes:
        names: The terms of ``discriminator_loss`` that measure how well D tells guided from generated images.
        chance: Their sum where D cannot tell (2 log 2 for cross-entropy).
        remedies: For each failure, what to change in the recipe, as a sentence for the user.
    """

    names: tuple[str, ...]
    chance: float
    remedies: Mapping[Failure, str]


class Adversarial(Protocol):
    """Kind ``adversarial``: the attribute loss, both sides. ``uniform`` is a (N, 8) tensor of random numbers in 0..1, a row
    for each image; equal rows augment images equally."""

    stages: ClassVar[tuple[tuple[Slot, str], ...]]
    discriminator_terms: ClassVar[DiscriminatorTerms]

    def augment(self, images: Tensor, uniform: Tensor) -> Tensor:
        """What D sees instead of ``images``: same shape, differentiable."""
        ...

    def generator_loss(self, generated: Tensor) -> Tensor:
        """Scalar, from the logits (N,) of generated images."""
        ...

    def discriminator_loss(
        self, discriminator: Callable[[Tensor], Discrimination], guided: Tensor, generated: Tensor, update: int
    ) -> Mapping[str, Tensor]:
        """The terms (scalars) whose sum D minimises, from augmented images; ``update`` counts D's updates from 0."""
        ...


class Loss(Protocol):
    """A term of the generator's objective; the stage multiplies it by ``weight``."""

    weight: float

    def __call__(self, step: TransferStep) -> Tensor: ...


class Identity(Loss, Protocol):
    """Kind ``identity``: keeps the subject the same. Optional ability: ``SupervisesDiscriminator``."""


class Regularizer(Loss, Protocol):
    """Kind ``regularizer``: any other term, such as one that keeps the output clean."""


class Enhancer(Protocol):
    """Kind ``enhancer``: a torch module, a step of the chain behind the generator. ``stages`` names what trains it."""

    def __call__(self, image: Tensor, source: Tensor) -> Tensor:
        """Improve ``image`` (the chain's result so far), knowing the chain's ``source``; both (N, 3, S, S)."""
        ...
