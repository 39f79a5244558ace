"""Networks: generators, discriminators, and networks whose feature maps are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from torch import Tensor


class Generator(Protocol):
    """Kind ``generator``: a torch module that maps images (N, 3, S, S) in -1..1 to images of the same shape and range.

    Optional abilities: ``HasParts``, ``Conditional``.
    """

    def __call__(self, images: Tensor) -> Tensor:
        """T(x)."""
        ...


class Discrimination(NamedTuple):
    """What D returns.

    Attributes:
        logit: (N,), positive for images that D takes for real ones with the attribute; (N, P) for a D that judges P patches
            of each image.
        features: The map (N, C, H, W) of each convolution, first to last.
        attributes: (N, K), for a D that says which of K attributes it sees: positive where an image has one.
    """

    logit: Tensor
    features: tuple[Tensor, ...]
    attributes: Tensor | None = None


class Discriminator(Protocol):
    """Kind ``discriminator``: a torch module that tells real images with the attribute from all others.

    Optional ability: ``ClassifiesAttributes``.
    """

    def __call__(self, images: Tensor) -> Discrimination:
        """D of images (N, 3, S, S) in -1..1."""
        ...


class Features(Protocol):
    """Kind ``features``: a torch module whose feature maps are compared.

    It normalises images itself and takes them at the run's size. Its parameters are trained only by a stage that it brings.
    """

    def __call__(self, images: Tensor) -> tuple[Tensor, ...]:
        """Maps (N, C, H, W), first to last, of images (N, 3, S, S) in -1..1."""
        ...
