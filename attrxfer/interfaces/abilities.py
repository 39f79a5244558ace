"""What a component may offer beyond its kind: every optional ability is a Protocol on this page.

The core asks ``isinstance(component, Ability)``. Where a component's class is asked before anything is built, the class
itself is asked: ``isinstance(component_class, Ability)``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from attrxfer.errors import Problem
from attrxfer.interfaces.data import DatasetView, Framing
from attrxfer.interfaces.losses import DiscriminatorTerms, Slot
from attrxfer.interfaces.networks import Discrimination, Features

if TYPE_CHECKING:
    from torch import Tensor

# ------------------------------------------------------------ any component


@runtime_checkable
class BringsStages(Protocol):
    """A component that brings the stages which train it: ``(slot, stage name)`` each."""

    stages: ClassVar[tuple[tuple[Slot, str], ...]]


@runtime_checkable
class StatesMissing(Protocol):
    """A component class that can tell what this machine lacks to build it."""

    @classmethod
    def missing(cls, **parameters: object) -> Sequence[str]:
        """What is missing (a file, an extra) before a component with these parameters can be built, each with its remedy."""
        ...


@runtime_checkable
class ChecksRecipe(Protocol):
    """A component that can tell whether it fits the rest of the recipe."""

    def check_recipe(self, recipe: RecipeView) -> Iterable[Problem]:
        """Problems whose ``path`` is a key of the component's own table ("layers"). Nothing is trained yet."""
        ...


@runtime_checkable
class ChecksData(Protocol):
    """A component that can tell whether it can use the data."""

    def check_data(self, data: DatasetView) -> None:
        """Called once, before training.

        Raises:
            DataError: The component cannot use these data.
        """
        ...


@runtime_checkable
class NamesWeights(Protocol):
    """A component that read its weights from a file of the user's; the hash is stored in the bundle's metadata."""

    weights_sha256: str
    """SHA-256 of the file, as hex digits."""


@runtime_checkable
class HasSmallSettings(Protocol):
    """A component class with settings that make a trial take seconds: ``{parameter: number}``.

    ``attrxfer doctor`` and tests lower the settings to these numbers.
    """

    small_settings: ClassVar[Mapping[str, int]]


class RecipeView(Protocol):
    """The assembled recipe as a component's ``check_recipe`` sees it. Shapes are those of one image."""

    @property
    def size(self) -> int:
        """Side of the images in pixels."""
        ...

    @property
    def generator_parts(self) -> Mapping[str, tuple[int, ...]]:
        """Names and shapes (1, C, H, W) of what the generator makes of an image: "output" and perhaps more."""
        ...

    @property
    def discriminator_features(self) -> Sequence[tuple[int, ...]]:
        """Shapes (1, C, H, W) of the discriminator's feature maps, first to last."""
        ...

    def features(self, network: Features, size: int | None = None) -> Sequence[tuple[int, ...]]:
        """Shapes (1, C, H, W) of a features network's maps, first to last.

        Args:
            network: The network.
            size: Side in pixels of the image that it gets; None: the recipe's.
        """
        ...

    def owner(self, stage: object) -> object | None:
        """The component that brings a stage; None where only the recipe's own list of stages names it."""
        ...


# ------------------------------------------------------------ networks and losses


@runtime_checkable
class HasParts(Protocol):
    """A generator that makes more than an image, for example a mask."""

    def parts(self, images: Tensor) -> Mapping[str, Tensor]:
        """From images (N, 3, S, S) in -1..1: the result under "output" beside others, for example a mask (N, 1, S, S) in
        0..1 under "mask". Regularizers find them in ``TransferStep.parts``."""
        ...


@runtime_checkable
class SupervisesDiscriminator(Protocol):
    """An identity loss that D minimises too, times ``discriminator_weight`` (0: it does not)."""

    discriminator_weight: float

    def discriminator_loss(
        self, discriminator: Callable[[Tensor], Discrimination], source: Tensor, generated: Tensor
    ) -> Mapping[str, Tensor]:
        """Terms (scalars) that D minimises, from x and T(x) (N, 3, S, S) under one draw of the adversarial augmentation."""
        ...


# ------------------------------------------------------------ stages


@runtime_checkable
class HasPreview(Protocol):
    """A stage that can show what it has learned."""

    def preview(self, images: Tensor) -> Tensor | Mapping[str, Tensor]:
        """Results (N, 3, S, S) in -1..1 for images of that shape, or several by name, for the report's sample grids."""
        ...


@runtime_checkable
class PlaysAdversarially(Protocol):
    """A stage that plays T against D: the diagnostics of training watch its losses and its previews.

    ``discriminator_terms.names`` are names of scalars that ``step`` returns. Read it after ``prepare``.
    """

    steps: int
    discriminator_terms: DiscriminatorTerms


# ------------------------------------------------------------ data sets


@runtime_checkable
class Recognises(Protocol):
    """A data set class that can be chosen by ``--data PATH``. It has a parameter named ``path``."""

    @staticmethod
    def recognise(path: Path) -> float:
        """How sure it is that it can read ``path``: 0 for "cannot", up to 1 for "certainly"."""
        ...


@runtime_checkable
class HasFraming(Protocol):
    """A data set that says how its source files became images; it is stored in the bundle."""

    framing: Framing | None


# ------------------------------------------------------------ methods, backends, exporters


@runtime_checkable
class ReferenceMethod(Protocol):
    """A method class that stands as a reference row in every scorecard, to read the others against, where it is True."""

    reference: ClassVar[bool]


@runtime_checkable
class SameSubject(Protocol):
    """A method class that picks other images of the inputs' own subjects, where it is True: the verification rate of what it
    picks is what a model's identity is matched with."""

    same_subject: ClassVar[bool]


@runtime_checkable
class PicksImages(Protocol):
    """A method whose results are real images of the data set."""

    def picks(self, data: DatasetView, target: Mapping[str, bool], rows: NDArray[np.int64]) -> NDArray[np.int64] | None:
        """Row numbers (N,) of the images that are its results; None where it does not apply."""
        ...


@runtime_checkable
class TransfersImages(Protocol):
    """A method that can be applied to any image, not only to rows of a data set: ``attrxfer transfer METHOD photo.jpg``."""

    def transfer(self, images_u8: NDArray[np.uint8], strength: float) -> NDArray[np.uint8]:
        """uint8 (N, S, S, 3) in, uint8 (N, S, S, 3) out."""
        ...


@runtime_checkable
class ChosenAutomatically(Protocol):
    """A backend class that ``auto`` may choose, where it is True: one that is prepared in seconds and gives torch's results."""

    automatic: ClassVar[bool]


@runtime_checkable
class Calibrated(Protocol):
    """An exporter class that measures ranges on its examples, which must be real images, where it is True."""

    calibrated: ClassVar[bool]
