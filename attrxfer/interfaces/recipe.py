"""The recipe as its components see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from attrxfer.interfaces.networks import Discriminator, Features, Generator


class RecipeView(Protocol):
    """The assembled recipe as a component's ``check_recipe`` sees it. Shapes are of what networks make of one image."""

    @property
    def size(self) -> int:
        """Side of the images in pixels."""

    @property
    def generator(self) -> Generator:
        """The generator, untrained."""

    @property
    def discriminator(self) -> Discriminator:
        """The discriminator, untrained."""

    @property
    def generator_parts(self) -> Mapping[str, tuple[int, ...]]:
        """Names and shapes (1, C, H, W) of what the generator makes of an image: "output" and perhaps more."""

    @property
    def discriminator_features(self) -> Sequence[tuple[int, ...]]:
        """Shapes (1, C, H, W) of the discriminator's feature maps, first to last."""

    def features(self, network: Features, size: int | None = None) -> Sequence[tuple[int, ...]]:
        """Shapes (1, C, H, W) of a features network's maps, first to last.

        Args:
            network: The network.
            size: Side in pixels of the image that it gets; None: the recipe's.
        """

    def owner(self, stage: object) -> object | None:
        """The component that brings a stage; None where only the recipe's own list of stages names it."""
