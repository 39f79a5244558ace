"""One Protocol a kind: what a component must offer to be registered, and what it may rely on.

Pictures are float32 tensors, NCHW, RGB, -1..1, unless a name says uint8 (HWC, 0..255, RGB). A component's parameters are
its annotated, keyword-only constructor arguments. A parameter annotated with one of these Protocols is filled from a nested
table (``network = {use = "diat"}``). Equal tables are one object, which trains once; only a nested generator or
discriminator belongs to the component that names it.

A class may have a classmethod ``needs(**parameters) -> Sequence[str]``: what is missing on this machine before a component
with these parameters can be built (a file, an extra), each with its remedy. A run stops on all of them before its first stage.
So it does when a component's method ``check_data(data)``, given the opened data set, raises DataError.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch
    from torch import Tensor

SPLITS = ("train", "validation", "test")
SLOTS = ("features", "pretrain", "regularize", "adversarial", "enhance")
Slot = Literal["features", "pretrain", "regularize", "adversarial", "enhance"]
SetName = Literal["all", "guided", "input"]


# ---------------------------------------------------------------- data
@dataclass(frozen=True)
class Records:
    """What a data set knows of its N pictures.

    names: N unique, stable names (file names where there are files).
    attributes: name -> bool array (N,).
    split: uint8 array (N,), index into SPLITS.
    identity: int64 array (N,), equal for pictures of one subject, or None where unknown.
    landmarks: float32 array (N, P, 2), x and y in pixels of the pictures that ``read`` returns (the centre of the first
        pixel is 0, 0), NaN where a picture has none; or None.
    """

    names: tuple[str, ...]
    attributes: Mapping[str, NDArray[np.bool_]]
    split: NDArray[np.uint8]
    identity: NDArray[np.int64] | None = None
    landmarks: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.names)


class Broken(NamedTuple):
    """A picture that could not be read, and why."""

    name: str
    reason: str


class Framing(NamedTuple):
    """How source files became pictures: files of ``source`` (width, height) pixels are cut to ``crop`` (left, top, width,
    height), then resized. Files of another size are cut to their central square."""

    source: tuple[int, int]
    crop: tuple[int, int, int, int]


@runtime_checkable
class Dataset(Protocol):
    """Kind ``dataset``, table ``[data]``. A parameter named ``size`` receives the run's picture size in pixels.

    A class that can be chosen by ``--data PATH`` has a parameter ``path`` and a static method ``recognise(path) -> float``:
    0 for "not mine", up to 1 for "certainly". An attribute ``framing: Framing | None`` is stored in the bundle.
    """

    def records(self) -> Records:
        """Labels of all pictures. Raises DataError when the source is missing or contradicts itself."""
        ...

    def read(self, rows: Sequence[int]) -> list[NDArray[np.uint8] | Broken]:
        """The pictures of these rows, each (size, size, 3) uint8 RGB, or Broken with its name and the reason."""
        ...

    def fingerprint(self) -> str:
        """Equal for equal pictures, different when any of them may have changed: the key of the cache."""
        ...


@runtime_checkable
class Counterfactuals(Protocol):
    """A data set that can draw any of its subjects with other attributes: exact truth for a transfer."""

    def counterfactual(self, rows: int | Sequence[int], attribute: str | Mapping[str, float]) -> NDArray[np.uint8]:
        """The same subjects (N, size, size, 3): with the other value of the named attribute, or with the values given
        (0..1) by name."""
        ...


class Selection(Protocol):
    """Kind ``selection``: which pictures are fit for training and testing."""

    def keep(self, records: Records) -> NDArray[np.bool_]:
        """Bool array (N,), True for pictures to use."""
        ...


class Locator(Protocol):
    """Kind ``locator``: where a part of the subject is."""

    def masks(self, data: Any, batch: Batch) -> NDArray[np.float32]:
        """1 inside the part, 0 outside: (N, 1, S, S), for pictures of ``data`` (``attrxfer.data.Data``); zeros where the
        part is unknown."""
        ...


@dataclass(frozen=True)
class Batch:
    """images: (N, 3, S, S), -1..1. labels: (N,) float32, 1 where the picture has the guided attributes, else 0.
    rows: (N,) row numbers in the data set. mirrored: (N,), which pictures were flipped left to right."""

    images: Tensor
    labels: Tensor
    rows: NDArray[np.int64]
    mirrored: NDArray[np.bool_]


# ---------------------------------------------------------------- networks
class Generator(Protocol):
    """Kind ``generator``: a torch module that maps pictures (N, 3, S, S) in -1..1 to pictures of the same shape and range.

    It may offer ``parts(images) -> dict[str, Tensor]`` with the picture under "output" beside others (a mask (N, 1, S, S)
    in 0..1 under "mask"), which regularizers find in ``TransferStep.parts``.
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
    """Kind ``features``: a torch module read for its feature maps: pictures (N, 3, S, S) in -1..1 -> maps (N, C, H, W), first
    to last. It brings its own normalisation, runs at the run's own picture size and trains only in a stage of its own."""

    def __call__(self, images: Tensor) -> tuple[Tensor, ...]: ...


# ---------------------------------------------------------------- losses
class TransferStep(Protocol):
    """One update of the generator, as its losses see it: everything is computed once, when first asked for."""

    @property
    def source(self) -> Tensor:
        """x: pictures without the attribute (N, 3, S, S)."""
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


class Adversarial(Protocol):
    """Kind ``adversarial``: the attribute loss, both sides. ``uniform`` is a (N, 8) tensor of random numbers in 0..1, a row
    for each picture; equal rows augment pictures equally."""

    stages: ClassVar[tuple[tuple[Slot, str], ...]]

    def augment(self, images: Tensor, uniform: Tensor) -> Tensor:
        """What D sees instead of ``images``: same shape, differentiable."""
        ...

    def generator_loss(self, generated: Tensor) -> Tensor:
        """Scalar, from the logits (N,) of generated pictures."""
        ...

    def discriminator_loss(
        self, discriminator: Callable[[Tensor], Discrimination], guided: Tensor, generated: Tensor, update: int
    ) -> Mapping[str, Tensor]:
        """The terms (scalars) whose sum D minimises, from augmented pictures; ``update`` counts D's updates from 0."""
        ...


class Loss(Protocol):
    """A term of the generator's objective; the stage multiplies it by ``weight``."""

    weight: float

    def __call__(self, step: TransferStep) -> Tensor: ...


class Identity(Loss, Protocol):
    """Kind ``identity``: keeps the subject the same."""


class Regularizer(Loss, Protocol):
    """Kind ``regularizer``: keeps the output clean."""


class Enhancer(Protocol):
    """Kind ``enhancer``: a torch module, a step of the chain behind the generator. ``stages`` names what trains it."""

    def __call__(self, picture: Tensor, source: Tensor) -> Tensor:
        """Improve ``picture`` (the chain's result so far), knowing the chain's ``source``; both (N, 3, S, S)."""
        ...


# ---------------------------------------------------------------- training
class Devices(Protocol):
    """Where tensors live and how many processes share a run; the engine implements it on accelerate."""

    device: torch.device
    rank: int
    world: int
    precision: str
    """accelerate's name of the run's mixed precision: "no", "bf16" or "fp16"."""

    def place(self, network: Any) -> Any:
        """Move a torch module to the device and its memory format; equal weights in every process."""
        ...

    def autocast(self) -> AbstractContextManager[None]:
        """The run's mixed precision."""
        ...

    def optimizer(self, network: Any, rate: float, betas: tuple[float, float]) -> Any:
        """Adam on the parameters of a module."""
        ...

    def update(self, optimizer: Any, loss: Tensor) -> None:
        """Backward, average gradients over the processes, step, forget the gradients."""
        ...


class Run(Protocol):
    """A run as a stage sees it: its components, built and placed, and its data."""

    @property
    def generator(self) -> Any:
        """T, a torch module."""
        ...

    @property
    def discriminator(self) -> Any:
        """D, a torch module."""
        ...

    @property
    def adversarial(self) -> Adversarial: ...

    @property
    def identity(self) -> tuple[Identity, ...]: ...

    @property
    def regularizer(self) -> tuple[Regularizer, ...]: ...

    @property
    def enhancer(self) -> tuple[Any, ...]: ...

    @property
    def devices(self) -> Devices: ...

    @property
    def data(self) -> Any:
        """The opened data set (``attrxfer.data.Data``)."""
        ...

    @property
    def seed(self) -> int:
        """The run's seed."""
        ...

    def batch(self, which: SetName, index: int, size: int) -> Batch:
        """This process's slice (``size`` pictures) of the stage's batch number ``index`` from that set: a pure function
        of (seed, stage, set, index, rank), flipped and shuffled."""
        ...

    def transfer(self, source: Tensor, index: int) -> TransferStep:
        """One update of the generator on these pictures; ``index`` draws D's augmentation."""
        ...

    def uniform(self, key: str, index: int, size: int, columns: int) -> Tensor:
        """This process's slice of random numbers in 0..1, (size, columns): a pure function of (seed, stage, key, index)."""
        ...


class Stage(Protocol):
    """Kind ``stage``: one part of training. Settings come from ``[train.NAME]``; parameters named ``batch``, ``rate`` or
    ``betas`` fall back to ``[train]``. ``step`` is called with 0, 1, ... ``steps`` - 1 and returns named scalars.

    It may offer ``preview(images) -> images``, which the engine draws into the report's sample grids.
    """

    steps: int

    def prepare(self, run: Run, owner: Any) -> None:
        """Once, before the first step or before ``load_state_dict``. ``owner`` is the component that brought the stage."""
        ...

    def step(self, index: int) -> Mapping[str, Tensor]: ...

    def finish(self) -> None:
        """Once, after the last step."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """All that resuming needs beyond the run's networks: tensors, numbers, strings, lists and dicts of these."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None: ...


# ---------------------------------------------------------------- evaluation
class Evaluation(Protocol):
    """A finished transfer on held-out pictures, as a metric sees it. Pictures are uint8 (N, S, S, 3)."""

    @property
    def sources(self) -> NDArray[np.uint8]:
        """The inputs."""
        ...

    @property
    def outputs(self) -> NDArray[np.uint8]:
        """What the transfer made of them."""
        ...

    @property
    def truth(self) -> NDArray[np.uint8] | None:
        """The same subjects with the attribute, where the data set can draw them."""
        ...

    @property
    def rows(self) -> NDArray[np.int64]:
        """Row numbers (N,) of the inputs."""
        ...

    @property
    def target(self) -> Mapping[str, bool]:
        """The attributes that results should have."""
        ...

    @property
    def data(self) -> Any:
        """The opened data set (``attrxfer.data.Data``)."""
        ...

    @property
    def seed(self) -> int:
        """The run's seed."""
        ...


class Metric(Protocol):
    """Kind ``metric``: named numbers for a transfer; empty where it does not apply (no truth, for example)."""

    def __call__(self, evaluation: Evaluation) -> Mapping[str, float]: ...


KINDS: dict[str, type] = {
    "generator": Generator,
    "discriminator": Discriminator,
    "features": Features,
    "adversarial": Adversarial,
    "identity": Identity,
    "regularizer": Regularizer,
    "enhancer": Enhancer,
    "dataset": Dataset,
    "selection": Selection,
    "locator": Locator,
    "stage": Stage,
    "metric": Metric,
}
"""Every kind by its name. Adding one is its Protocol and one line here."""
