"""A model: anything that turns images into images with a strength."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from attrxfer.interfaces.data import Framing

if TYPE_CHECKING:
    from attrxfer.plugin.registry import Registry


@runtime_checkable
class Model(Protocol):
    """A loaded bundle, an exported file, or a method: ``attrxfer.load`` returns one for each."""

    @property
    def name(self) -> str:
        """Names the model in messages and scorecards."""
        ...

    @property
    def size(self) -> int:
        """Side S in pixels of the images that it was trained on."""
        ...

    @property
    def guided(self) -> Mapping[str, bool]:
        """The attributes that its results have."""
        ...

    @property
    def framing(self) -> Framing | None:
        """How source files became its training images; None where that is unknown."""
        ...

    @property
    def alignment(self) -> NDArray[np.float32] | None:
        """Mean landmarks (P, 2) of its training images, x and y in pixels of ``size``; None where they had none."""
        ...

    @property
    def metadata(self) -> Mapping[str, Any]:
        """All that the model knows of itself, as JSON takes it.

        Every model has "task" ({"name", "guided"}), "size", "chain" (a table {"kind", "use", ...} a network, or the method),
        "sha256" (of its files, by name; empty for a method), "licences" and "plugins" ({name: version}). Bundles and exported
        files also have "recipe".
        """
        ...

    def images(self, images_u8: NDArray[np.uint8], strength: float = 1.0) -> NDArray[np.uint8]:
        """Transfer images.

        Args:
            images_u8: uint8 RGB (N, S, S, 3).
            strength: s in x + s (T(x) - x), clipped. 0 returns the input itself, 1 the transfer as trained.

        Returns:
            uint8 RGB (N, S, S, 3).
        """
        ...


class InputCheck(NamedTuple):
    """What a model knows of images before it transfers them.

    Attributes:
        unlike: Which of the N images are unlike its training images, as drawings are unlike photographs.
        guided: The probability (N,) that they have the guided attributes already.
    """

    unlike: NDArray[np.bool_] | None
    guided: NDArray[np.float64] | None

    def only(self, chosen: NDArray[np.bool_]) -> InputCheck:
        """What it says of the images that are chosen, of N."""
        return InputCheck(
            self.unlike[chosen] if self.unlike is not None else None, self.guided[chosen] if self.guided is not None else None
        )


@runtime_checkable
class ChecksInputs(Protocol):
    """A model that compares images with its training images before it transfers them."""

    def check_inputs(self, images_u8: NDArray[np.uint8]) -> InputCheck:
        """Look at images uint8 (N, S, S, 3); what the model does not know is None."""
        ...


@runtime_checkable
class TransfersWholeImages(Protocol):
    """A model that may transfer whole images of any size, since its training images were patches of larger ones; or a method
    that treats each part of an image alike.

    Attributes:
        reach: How far in pixels a result depends on the image: tiles of an image overlap by that. None: the model transfers
            aligned subjects only.
    """

    @property
    def reach(self) -> int | None: ...


@runtime_checkable
class ChoosesBackend(Protocol):
    """A model whose networks can be run by a component of kind ``backend``."""

    def use(self, backend: str, registry: Registry) -> None:
        """Run ``images`` by this backend from now on.

        Args:
            backend: Its name; "auto": the fastest one here.
            registry: Where it is registered.

        Raises:
            AttrxferError: There is no such backend, or its libraries are not installed.
        """
        ...
