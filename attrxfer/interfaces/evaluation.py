"""Metrics and methods, and the finished transfer as they see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from attrxfer.interfaces.data import DatasetView
from attrxfer.interfaces.model import Model

Unit = Literal["share", "dB", "ms", "MB", "GFLOP", ""]
Better = Literal["higher", "lower", ""]
Role = Literal[
    "attribute accuracy",
    "attribute accuracy at equal verification",
    "verification rate",
    "identity similarity",
    "other attributes kept",
    "truth",
    "unchanged",
    "realism",
    "cost",
    "",
]
"""What a score measures, whatever its label: reports and the matched-identity headline look scores up by their role.

attribute accuracy: share of results with the target attributes. attribute accuracy at equal verification: the same at
matched identity; only the core gives this score. verification rate: share of results verified as the person of
their input. identity similarity: how alike these are. other attributes kept: share of results whose other attributes stayed.
truth: closeness to the exact counterfactual. unchanged: closeness to the input where nothing should change. realism: distance
from real images as a set. cost: time, memory, operations.
"""


@dataclass(frozen=True)
class PerImageScore:
    """A number for each result: values (N,), NaN where it cannot be told. What is shown is their mean, with an interval
    drawn over people."""

    values: NDArray[np.floating]
    unit: Unit = ""
    better: Better = "higher"
    role: Role = ""


@dataclass(frozen=True)
class AggregateScore:
    """A number of the results as a set, from ``n`` images, with its 95% interval where it has one."""

    value: float
    n: int
    low: float | None = None
    high: float | None = None
    unit: Unit = ""
    better: Better = ""
    role: Role = ""


class Evaluation(Protocol):
    """A finished transfer on N held-out images, as a metric sees it. Images are uint8 (N, S, S, 3)."""

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
    def picked(self) -> NDArray[np.int64] | None:
        """Row numbers (N,) of the real images that the outputs are, where they are such (a row of its own where there was
        none to pick); None for images that were made of the inputs, and stand in the same frame."""
        ...

    @property
    def people(self) -> NDArray[np.int64]:
        """Who is in each input (N,): what intervals are drawn over. All different where the data set does not know."""
        ...

    @property
    def target(self) -> Mapping[str, bool]:
        """The attributes that results should have."""
        ...

    @property
    def data(self) -> DatasetView:
        """The opened data set."""
        ...

    @property
    def model(self) -> Model | None:
        """What made the outputs; None for images of unknown origin."""
        ...

    @property
    def seed(self) -> int:
        """The run's seed."""
        ...


class Metric(Protocol):
    """Kind ``metric``: named scores of a transfer; none where it does not apply (no truth, for example)."""

    def __call__(self, evaluation: Evaluation) -> Mapping[str, PerImageScore | AggregateScore]: ...


class Method(Protocol):
    """Kind ``method``: makes images of held-out inputs without having been trained here: baselines and reference rows.

    Optional abilities: ``ReferenceMethod``, ``PicksImages``, ``SameSubject`` (see ``attrxfer.interfaces.abilities``).
    """

    def __call__(self, data: DatasetView, target: Mapping[str, bool], rows: NDArray[np.int64]) -> NDArray[np.uint8] | None:
        """Results uint8 (N, S, S, 3) for these rows of ``data``; None where the method does not apply."""
        ...
