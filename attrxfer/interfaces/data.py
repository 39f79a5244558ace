"""Data sets, selections of their images, and locators of parts of their subjects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor


SPLITS = ("train", "validation", "test")
SetName = Literal["all", "guided", "input"]


@dataclass(frozen=True)
class Records:
    """What a data set knows of its N images.

    Attributes:
        names: N unique names that stay the same; file names where there are files.
        attributes: Whether each image has an attribute, by its name: bool (N,).
        split: uint8 (N,), index into SPLITS.
        identity: int64 (N,), equal for images of one subject; None where that is unknown.
        landmarks: float32 (N, P, 2), x and y in pixels of the images that ``read`` returns (the centre of the first pixel is
            0, 0), NaN where an image has none; None where the data set has none.
        notes: A line each on what the data set left out of its source, or had to guess; they are printed before training.
    """

    names: tuple[str, ...]
    attributes: Mapping[str, NDArray[np.bool_]]
    split: NDArray[np.uint8]
    identity: NDArray[np.int64] | None = None
    landmarks: NDArray[np.float32] | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.names)


class Broken(NamedTuple):
    """An image that could not be read.

    Attributes:
        name: Its name in the data set.
        reason: Why.
    """

    name: str
    reason: str


class Framing(NamedTuple):
    """How files became images: cut, then resized. Files of another size than ``source`` are cut to their central square.

    Attributes:
        source: Width and height of the files in pixels.
        crop: Left, top, width and height of the part that is kept, in pixels.
    """

    source: tuple[int, int]
    crop: tuple[int, int, int, int]

    @classmethod
    def read(cls, table: Mapping[str, Any] | None) -> Framing | None:
        """The framing in a bundle's metadata, where JSON made lists of the tuples; None stays None."""
        return cls(tuple(table["source"]), tuple(table["crop"])) if table else None


@runtime_checkable
class Dataset(Protocol):
    """Kind ``dataset``, table ``[data]``.

    Optional abilities: ``Counterfactuals``, ``Recognises``, ``HasFraming``, ``HasSmallSettings``.

    Attributes:
        size: Side of the images in pixels; a parameter of this name receives the run's size. To read larger images, it is set
            on a copy of the data set.
    """

    size: int

    def records(self) -> Records:
        """Labels of all images. Raises DataError when the source is missing or contradicts itself."""
        ...

    def read(self, rows: Sequence[int]) -> list[NDArray[np.uint8] | Broken]:
        """The images of these rows, each (size, size, 3) uint8 RGB, or Broken with its name and the reason."""
        ...

    def fingerprint(self) -> str:
        """Equal for equal images, different when any of them may have changed: the key of the cache."""
        ...


@runtime_checkable
class Counterfactuals(Protocol):
    """A data set that can draw any of its subjects with other attributes: exact truth for a transfer."""

    def counterfactual(self, rows: int | Sequence[int], attribute: str | Mapping[str, float]) -> NDArray[np.uint8]:
        """The same subjects (N, size, size, 3): with the other value of the named attribute, or with the values given
        (0..1) by name."""
        ...


class Selection(Protocol):
    """Kind ``selection``: which images are fit for training and testing."""

    def keep(self, records: Records) -> NDArray[np.bool_]:
        """Bool array (N,), True for images to use."""
        ...


class DatasetView(Protocol):
    """The opened data set of a task, as components see it. N images, all of one size S.

    Attributes:
        records: What the data set knows of all N images.
        usable: Bool (N,): readable, and kept by the selection.
        key: Equal for equal images: the key of their cache.
        dataset: The data set component that the images come from.
    """

    @property
    def records(self) -> Records: ...

    @property
    def usable(self) -> NDArray[np.bool_]: ...

    @property
    def key(self) -> str: ...

    @property
    def dataset(self) -> Dataset: ...

    def images_u8(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """uint8 images (n, S, S, 3) of these rows."""
        ...

    def images(self, rows: NDArray[np.int64], flip: NDArray[np.bool_] | None = None) -> Tensor:
        """float32 images (n, 3, S, S) in -1..1 of these rows, mirrored where ``flip`` (n,) is True."""
        ...

    def read(self, rows: Sequence[int], size: int) -> list[NDArray[np.uint8] | Broken]:
        """Images of these rows at another side in pixels, (size, size, 3) each, read from the data set itself."""
        ...

    def truth(self, rows: NDArray[np.int64], target: Mapping[str, bool], strength: float = 1.0) -> NDArray[np.uint8] | None:
        """Exact counterfactuals (n, S, S, 3) with the target attributes; None where the data set cannot draw them."""
        ...

    def satisfies(self, conditions: Mapping[str, bool]) -> NDArray[np.bool_]:
        """Bool (N,): which images meet all conditions. Raises DataError for an unknown attribute."""
        ...

    def rows(self, split: str, conditions: Mapping[str, bool] | None) -> NDArray[np.int64]:
        """Usable rows of a split that meet the conditions."""
        ...

    def mean_landmarks(self, rows: NDArray[np.int64]) -> NDArray[np.float32] | None:
        """Mean landmarks (P, 2) of these rows, in pixels of the images; None where none of them has all of them."""
        ...


class Locator(Protocol):
    """Kind ``locator``: where a part of the subject is."""

    def masks(self, data: DatasetView, batch: Batch) -> NDArray[np.float32]:
        """1 inside the part, 0 outside: (N, 1, S, S), for the images of a batch of ``data``; zeros where the part is
        unknown."""
        ...


@runtime_checkable
class Detector(Protocol):
    """A locator that can also detect subjects anywhere in an image, so that whole photos are transferred.

    Attributes:
        subject: What it detects, in the singular, for messages.
    """

    subject: str

    def detect(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Detect all subjects in an image. Called from several threads at once.

        Args:
            image: uint8 RGB (H, W, 3).

        Returns:
            P points of each subject (F, P, 2), x and y in pixels of the image (the centre of the first pixel is 0, 0), the
            largest subject first; (0, P, 2) where there is none.
        """
        ...

    def reduce(self, landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
        """Turn a data set's landmarks (N, K, 2) into the P points that ``detect`` gives, (N, P, 2), each an average of some
        of the K.

        Raises:
            DataError: These landmarks are unknown.
        """
        ...


@dataclass(frozen=True)
class Batch:
    """N images of the training split.

    Attributes:
        images: (N, 3, S, S) in -1..1.
        labels: float32 (N,), 1 where the image has the guided attributes, else 0.
        rows: Row numbers (N,) in the data set.
        mirrored: Bool (N,), which images were flipped left to right.
    """

    images: Tensor
    labels: Tensor
    rows: NDArray[np.int64]
    mirrored: NDArray[np.bool_]
