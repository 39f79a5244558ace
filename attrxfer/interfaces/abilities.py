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
from attrxfer.interfaces.model import Model
from attrxfer.interfaces.networks import Discrimination
from attrxfer.interfaces.recipe import RecipeView

if TYPE_CHECKING:
    from torch import Tensor, nn

# ------------------------------------------------------------ any component


@runtime_checkable
class BringsStages(Protocol):
    """A component that is trained by stages of its own.

    Attributes:
        stages: (slot, stage name) each.
    """

    stages: ClassVar[tuple[tuple[Slot, str], ...]]


@runtime_checkable
class HasComponentDefaults(Protocol):
    """A component class with {parameter: table} for parameters that are components, where a recipe leaves them out."""

    component_defaults: ClassVar[Mapping[str, Mapping[str, object]]]


@runtime_checkable
class StatesMissing(Protocol):
    """A component class that knows what must be there before it can be built: files, packages."""

    @classmethod
    def missing(cls, **parameters: object) -> Sequence[str]:
        """What is missing (a file, an extra) before a component with these parameters can be built, each with its remedy."""


@runtime_checkable
class ChecksRecipe(Protocol):
    """A component that checks before training whether it fits the rest of the recipe."""

    def check_recipe(self, recipe: RecipeView) -> Iterable[Problem]:
        """Find problems.

        Args:
            recipe: The recipe; its networks are built but not trained.

        Returns:
            Problems whose ``path`` is a key of the component's own table, for example "layers"; "" for the component itself.
        """


@runtime_checkable
class ChecksData(Protocol):
    """A component that checks before training whether it can use the data."""

    def check_data(self, data: DatasetView) -> None:
        """Called once, before training.

        Raises:
            DataError: The component cannot use these data.
        """


@runtime_checkable
class ReadsAttributes(Protocol):
    """A component class that reads attributes of the data set by their names."""

    @classmethod
    def attributes_read(cls, **parameters: object) -> Sequence[str]:
        """Names of the attributes that a component with these parameters reads. A run checks that the data set has them before
        any image is decoded."""


@runtime_checkable
class NamesWeights(Protocol):
    """A component that read its weights from a file of the user's. ``attrxfer info`` prints the hash.

    Attributes:
        weights_sha256: SHA-256 of the file, as hex digits; it is stored in the bundle's metadata.
    """

    weights_sha256: str


@runtime_checkable
class HasSmallSettings(Protocol):
    """A component class with settings that make a trial take seconds: ``{parameter: number}``.

    ``attrxfer doctor`` and tests lower the settings to these numbers.
    """

    small_settings: ClassVar[Mapping[str, int]]


# ------------------------------------------------------------ networks and losses


@runtime_checkable
class HasParts(Protocol):
    """A generator that makes more than an image, for example a mask."""

    def parts(self, images: Tensor) -> Mapping[str, Tensor]:
        """From images (N, 3, S, S) in -1..1: the result under "output" beside others, for example a mask (N, 1, S, S) in
        0..1 under "mask". Regularizers find them in ``TransferStep.parts``."""


@runtime_checkable
class Conditional(Protocol):
    """A generator that is called with images and a change (N, attributes): for each of its ``attributes``, 1 makes it true, -1
    makes it false, 0 leaves it. A bundle with such a generator serves all of them: ``transfer --attribute NAME=VALUE``."""

    attributes: tuple[str, ...]

    def parts(self, images: Tensor, change: Tensor | None = None) -> Mapping[str, Tensor]:
        """The result under "output" beside others, as in ``HasParts``; without a change every attribute becomes true."""


@runtime_checkable
class ClassifiesAttributes(Protocol):
    """A discriminator whose ``Discrimination`` has a logit for each of its ``attributes``.

    Attributes:
        attributes: Their names.
        classification: Weight of their cross-entropy.
        conditional: Whether D's logit of an image depends on what the image was asked for: the attributes' logits count in it,
            and T has no term of cross-entropy.
    """

    attributes: tuple[str, ...]
    classification: float
    conditional: bool


@runtime_checkable
class SupervisesDiscriminator(Protocol):
    """An identity loss that has a term in D's update too.

    Attributes:
        discriminator_weight: Weight of the term; 0 leaves it out.
    """

    discriminator_weight: float

    def discriminator_loss(
        self, discriminator: Callable[[Tensor], Discrimination], source: Tensor, generated: Tensor
    ) -> Mapping[str, Tensor]:
        """The terms, already multiplied by ``discriminator_weight``.

        Args:
            discriminator: D.
            source: x (N, 3, S, S), augmented.
            generated: T(x) (N, 3, S, S), augmented as ``source``.

        Returns:
            Scalars by name; D minimises their sum.
        """


@runtime_checkable
class HasDiscriminator(Protocol):
    """A loss that plays against T with a discriminator of its own, which is updated whenever D is.

    Attributes:
        discriminator: A torch module; frozen while T is updated.
    """

    discriminator: nn.Module

    def own_discriminator_loss(self, real: Tensor, source: Tensor, generated: Tensor) -> Mapping[str, Tensor]:
        """What the loss's own discriminator minimises.

        Args:
            real: Images that D takes for real (N, 3, S, S) in -1..1.
            source: x (N, 3, S, S).
            generated: T(x), some of earlier updates (N, 3, S, S), without gradients.

        Returns:
            Scalars by name; the discriminator minimises their sum.
        """


@runtime_checkable
class AdaptsAugmentation(Protocol):
    """An adversarial component that augments more images the better D knows the guided ones.

    Attributes:
        adaptive: What the mean sign of D's logits of guided images is driven to; 0: it adapts nothing.
        probability: The probability that an image is augmented, a scalar tensor; it is kept in checkpoints.
        guided_logits: D's logits of guided images (N,) in the last ``discriminator_loss``, without gradients; None before.
    """

    adaptive: float
    probability: Tensor
    guided_logits: Tensor | None

    def adapt(self, logits: Tensor) -> None:
        """Set ``probability`` anew, by the logits of guided images of all processes in D's last update."""


# ------------------------------------------------------------ stages


@runtime_checkable
class HasPreview(Protocol):
    """A stage that shows what it has learned in the report's sample images."""

    def preview(self, images: Tensor) -> Tensor | Mapping[str, Tensor]:
        """Results (N, 3, S, S) in -1..1 for images of that shape; several by name are several rows of samples."""


@runtime_checkable
class PlaysAdversarially(Protocol):
    """A stage that trains T against D: the diagnostics of training watch its losses and its previews.

    Attributes:
        steps: Number of its steps.
        discriminator_terms: How to read D's loss, known after ``prepare``; its ``names`` are those of scalars that ``step``
            returns.
    """

    steps: int
    discriminator_terms: DiscriminatorTerms


# ------------------------------------------------------------ data sets


@runtime_checkable
class Recognises(Protocol):
    """A data set class that ``--data PATH`` may choose. It has a parameter named ``path``."""

    @staticmethod
    def recognise(path: Path) -> float:
        """How certainly it can read this path: 0 for not at all, 1 for certainly."""


@runtime_checkable
class HasFraming(Protocol):
    """A data set that knows how its files became images.

    Attributes:
        framing: It is stored in the bundle, so that other files are cut in the same way; None where it is unknown.
    """

    framing: Framing | None


@runtime_checkable
class HasPatches(Protocol):
    """A data set whose images are, where ``patches`` is True, patches of larger ones, at the scale of these and not about one
    subject: the model then transfers whole images of any size."""

    patches: bool


# ------------------------------------------------------------ methods, backends, exporters


@runtime_checkable
class ReferenceMethod(Protocol):
    """A method class that is a row of every scorecard, where ``reference`` is True."""

    reference: ClassVar[bool]


@runtime_checkable
class SameSubject(Protocol):
    """A method class that picks other images of the inputs' subjects: their verification rate is the one that models are
    matched with.

    Attributes:
        same_subject: Whether it does.
    """

    same_subject: ClassVar[bool]


@runtime_checkable
class GroupsImages(Protocol):
    """A metric that divides the held-out images by something that is no attribute; scores are shown for each group."""

    def groups(self, data: DatasetView, rows: NDArray[np.int64]) -> Mapping[str, NDArray[np.bool_]]:
        """{name of a group: which of the images of these rows (N,) are in it}; empty where they cannot be divided."""


@runtime_checkable
class PicksImages(Protocol):
    """A method whose results are real images of the data set."""

    def picks(self, data: DatasetView, target: Mapping[str, bool], rows: NDArray[np.int64]) -> NDArray[np.int64] | None:
        """Pick an image of the data set for each input.

        Args:
            data: The opened data set.
            target: The attributes that results should have.
            rows: Row numbers (N,) of the inputs.

        Returns:
            Row numbers (N,) of the results; None where the method does not apply.
        """


@runtime_checkable
class TransfersImages(Protocol):
    """A method that can be applied to any image, not only to rows of a data set: ``attrxfer transfer METHOD photo.jpg``."""

    def transfer(self, images_u8: NDArray[np.uint8], strength: float) -> NDArray[np.uint8]:
        """Results uint8 (N, S, S, 3) for images of that shape, at a strength as in ``Model.images``."""


@runtime_checkable
class ComparesSubjects(Protocol):
    """A detector that tells how far the subject of one image is from that of another: ``transfer --keep-identity``."""

    def distances(self, images: NDArray[np.uint8], results: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Distances (N,) between the subjects of images and of their results.

        Args:
            images: uint8 (N, S, S, 3).
            results: uint8 (N, S, S, 3): the same images, transferred.

        Returns:
            0 for the same subject unchanged; NaN where an image shows none.
        """


@runtime_checkable
class LearnsFromData(Protocol):
    """A method that must see a data set before it can transfer any image: ``attrxfer transfer METHOD --recipe RECIPE``."""

    def learn(self, data: DatasetView, target: Mapping[str, bool]) -> None:
        """Take what the method needs of the training split.

        Args:
            data: The opened data set.
            target: The attributes that results should have.

        Raises:
            DataError: The data do not serve.
        """


@runtime_checkable
class ChosenAutomatically(Protocol):
    """A backend class that ``auto`` may choose: it is prepared in seconds, and its results are those of torch.

    Attributes:
        automatic: Whether it may.
    """

    automatic: ClassVar[bool]


@runtime_checkable
class Calibrated(Protocol):
    """An exporter class that measures ranges on its examples, which must then be real images.

    Attributes:
        calibrated: Whether it does.
    """

    calibrated: ClassVar[bool]


@runtime_checkable
class GathersFiles(Protocol):
    """An exporter that puts the files of several models into a folder, with what uses them there."""

    def gather(self, files: Mapping[Path, Model], folder: Path) -> None:
        """Fill a folder.

        Args:
            files: The exported files, each with its model. Their names differ.
            folder: The folder, which may have files already. What is not the exporter's own stays as it is.

        Raises:
            AttrxferError: A model does not fit, something that is needed is missing, or a file of the user's is in the way.
        """
