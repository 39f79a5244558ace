"""Losses, which see one update of the generator, and enhancers, which improve its images."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple, Protocol, TypeVar, runtime_checkable

from attrxfer.interfaces.networks import Discrimination, Features

if TYPE_CHECKING:
    from torch import Tensor, nn


T = TypeVar("T")
SLOTS = ("features", "pretrain", "regularize", "adversarial", "enhance")
"""When a component's stages run, in this order."""
Slot = Literal["features", "pretrain", "regularize", "adversarial", "enhance"]


class Change(NamedTuple):
    """What a generator with the ability ``Conditional`` is asked for.

    Attributes:
        asked: (N, attributes): 1 makes an attribute true, -1 makes it false, 0 leaves it.
        back: (N, attributes): what makes the images as they were again.
    """

    asked: Tensor
    back: Tensor


class TransferStep(Protocol):
    """One update of the generator, as its losses see it. Each result is computed once, when it is first asked for."""

    @property
    def source(self) -> Tensor:
        """x: the images to transfer (N, 3, S, S) in -1..1."""
        ...

    @property
    def output(self) -> Tensor:
        """T(x) (N, 3, S, S), with gradients."""
        ...

    @property
    def parts(self) -> Mapping[str, Tensor]:
        """All that the generator made of x: "output", and more where it has the ability ``HasParts``."""
        ...

    @property
    def real(self) -> Tensor:
        """Other images of the training split (N, 3, S, S), of the kind that D takes for real: images with the attribute;
        any images where T is for many attributes."""
        ...

    @property
    def change(self) -> Change | None:
        """What T is asked for; None for a generator without the ability ``Conditional``."""
        ...

    def generate(self, images: Tensor, change: Tensor | None = None) -> Tensor:
        """T of any images (N, 3, S, S), with gradients; each call is a pass of T.

        Args:
            images: The images.
            change: (N, attributes), for a generator with the ability ``Conditional``; None: what ``step.source`` gets.
        """
        ...

    @property
    def attribute_loss(self) -> Tensor:
        """The adversarial component's loss of T, a scalar."""
        ...

    def discriminate(self, images: Tensor) -> Discrimination:
        """What D sees in ``step.source`` or ``step.real`` (without gradients) or ``step.output`` (with gradients), which the
        adversarial component augments first.

        Raises:
            ValueError: Other images.
        """
        ...

    def features(self, network: Features, images: Tensor) -> tuple[Tensor, ...]:
        """The maps that a features network gives of ``step.source`` (without gradients) or ``step.output`` (with gradients).

        Raises:
            ValueError: Other images.
        """
        ...

    def uniform(self, key: str, columns: int) -> Tensor:
        """Random numbers in 0..1, (N, columns): a pure function of the run's seed, the iteration, ``key`` and the image's
        place in the batch, so that runs can be resumed and shared by several processes."""
        ...

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What ``make`` returned in the first call with this ``key`` in this update, so that losses share it."""
        ...


Failure = Literal["the discriminator won", "the output equals the input", "mode collapse", "colour drift"]
"""Names of the failures of adversarial training that diagnostics find."""


@dataclass(frozen=True)
class DiscriminatorTerms:
    """How the diagnostics of training read a discriminator loss.

    Attributes:
        names: The terms of ``discriminator_loss`` that measure how well D tells guided from generated images.
        chance: Their sum when D guesses (2 log 2 for cross-entropy).
        remedies: For each failure, what to change in the recipe, in a sentence.
    """

    names: tuple[str, ...]
    chance: float
    remedies: Mapping[Failure, str]


class Adversarial(Protocol):
    """Kind ``adversarial``: the attribute loss of T and of D, and the augmentation of what D sees.

    Optional abilities: ``ComparesReal``, ``AdaptsAugmentation``.

    Attributes:
        stages: (slot, stage) of the stages that play T against D.
    """

    stages: ClassVar[tuple[tuple[Slot, str], ...]]

    @property
    def discriminator_terms(self) -> DiscriminatorTerms:
        """How the diagnostics read D's loss."""
        ...

    def augment(self, images: Tensor, uniform: Tensor) -> Tensor:
        """What D sees instead of images.

        Args:
            images: (N, 3, S, S) in -1..1.
            uniform: Random numbers (N, 8) in 0..1, a row an image. Equal rows augment images equally.

        Returns:
            Images of the same shape, differentiable.
        """
        ...

    def generator_loss(self, generated: Tensor) -> Tensor:
        """T's attribute loss, a scalar, from D's logits of generated images: (N,), or (N, P) of P patches."""
        ...

    def discriminator_loss(
        self, discriminator: Callable[[Tensor], Discrimination], guided: Tensor, generated: Tensor, update: int
    ) -> Mapping[str, Tensor]:
        """D's loss.

        Args:
            discriminator: D.
            guided: Images with the attribute (N, 3, S, S), augmented.
            generated: Generated images (N, 3, S, S), augmented.
            update: Number of D's update, from 0.

        Returns:
            Scalars by name; D minimises their sum.
        """
        ...


@runtime_checkable
class ComparesReal(Protocol):
    """An adversarial component whose loss of T compares generated images with real ones.

    Attributes:
        compares_real: Whether it does; then each update of T has one more pass of D.
    """

    compares_real: bool

    def compared_loss(self, generated: Tensor, real: Tensor) -> Tensor:
        """T's attribute loss, a scalar, from D's logits of generated and of real images, of one shape."""
        ...


class Loss(Protocol):
    """A term of the generator's objective.

    Attributes:
        weight: What the adversarial stage multiplies the term by.
    """

    weight: float

    def __call__(self, step: TransferStep) -> Tensor:
        """The term of this update, a scalar, not yet multiplied by ``weight``."""
        ...


class Identity(Loss, Protocol):
    """Kind ``identity``: keeps the subject the same.

    Optional abilities: ``SupervisesDiscriminator``, ``HasDiscriminator``, ``HasGenerator``.
    """


class Regularizer(Loss, Protocol):
    """Kind ``regularizer``: any other term, such as one that keeps the output clean.

    Optional abilities: ``HasDiscriminator``, ``HasGenerator``.
    """


@runtime_checkable
class HasGenerator(Protocol):
    """A loss with a generator of its own, for example one that transfers back. It is updated whenever T is, by the gradients of
    the whole objective, and is no part of the bundle.

    Attributes:
        generator: A torch module; frozen while D is updated.
    """

    generator: nn.Module


class Enhancer(Protocol):
    """Kind ``enhancer``: a torch module that improves the generator's image. A bundle keeps the generator and the enhancers."""

    def __call__(self, image: Tensor, source: Tensor) -> Tensor:
        """Improve an image.

        Args:
            image: What the generator and the enhancers before this one made (N, 3, S, S).
            source: The image that is transferred (N, 3, S, S), in -1..1.

        Returns:
            Images (N, 3, S, S); in -1..1 in eval mode.
        """
        ...
