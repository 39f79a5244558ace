"""Networks: what makes images, what tells them apart, what is read for its features."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from torch import Tensor


class Generator(Protocol):
    """Kind ``generator``: a torch module that maps images (N, 3, S, S) in -1..1 to images of the same shape and range.

    Optional ability: ``HasParts``.
    """

    def __call__(self, images: Tensor) -> Tensor: ...


class Discrimination(NamedTuple):
    """logit: (N,), positive for "has the attribute and is real". features: the map of each convolution, first to last."""

    logit: Tensor
    features: tuple[Tensor, ...]


class Discriminator(Protocol):
    """Kind ``discriminator``: a torch module."""

    def __call__(self, images: Tensor) -> Discrimination: ...


class Features(Protocol):
    """Kind ``features``: a torch module read for its feature maps: images (N, 3, S, S) in -1..1 -> maps (N, C, H, W), first
    to last. It brings its own normalisation, runs at the run's own image size and trains only in a stage of its own."""

    def __call__(self, images: Tensor) -> tuple[Tensor, ...]: ...
