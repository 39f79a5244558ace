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
"""What a score measures, whatever its label: reports and the matched identity find scores by their role.

attribute accuracy: share of results with the target attributes. attribute accuracy at equal verification: the same at
matched identity; only the core gives this score. verification rate: share of results verified as the person of
their input. identity similarity: how alike these are. other attributes kept: share of results whose other attributes stayed.
truth: closeness to the exact counterfactual. unchanged: closeness to the input where nothing should change. realism: distance
from real images as a set. cost: time, memory, operations.
"""
ACCURACY: Role = "attribute accuracy"
MATCHED: Role = "attribute accuracy at equal verification"
"""The role of the score that stands first where it can be measured, and its label."""


@dataclass(frozen=True)
class PerImageScore:
    """A number for each result; tables show the mean with its bootstrap interval over people.

    Attributes:
        values: (N,), NaN where the number is unknown.
        unit: Unit of the numbers.
        better: Whether higher or lower numbers are better; "" where neither is.
        role: What they measure.
    """

    values: NDArray[np.floating]
    unit: Unit = ""
    better: Better = "higher"
    role: Role = ""


@dataclass(frozen=True)
class AggregateScore:
    """A number of all results together.

    Attributes:
        value: The number.
        n: How many images it is from.
        low: Lower end of its 95% interval; None where it has none.
        high: Upper end of its 95% interval; None where it has none.
        unit: Unit of the number.
        better: Whether a higher or a lower number is better; "" where neither is.
        role: What it measures.
    """

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
        """The same subjects with the target attributes; None where the data set cannot draw them."""
        ...

    @property
    def rows(self) -> NDArray[np.int64]:
        """Row numbers (N,) of the inputs."""
        ...

    @property
    def picked(self) -> NDArray[np.int64] | None:
        """Row numbers (N,) of the outputs where these are real images of the data set; an input's own row where the method
        found none for it. None where the outputs were made from the inputs."""
        ...

    @property
    def people(self) -> NDArray[np.int64]:
        """The person in each input (N,), equal numbers for one person; all different where the data set does not know."""
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
    """Kind ``metric``: scores of a transfer."""

    def __call__(self, evaluation: Evaluation) -> Mapping[str, PerImageScore | AggregateScore]:
        """Scores by label; empty where the metric does not apply (there is no truth, for example)."""
        ...


class Method(Protocol):
    """Kind ``method``: makes results for held-out inputs without training: baselines and reference rows.

    Optional abilities: ``ReferenceMethod``, ``PicksImages``, ``SameSubject``, ``TransfersImages``.
    """

    def __call__(self, data: DatasetView, target: Mapping[str, bool], rows: NDArray[np.int64]) -> NDArray[np.uint8] | None:
        """Results uint8 (N, S, S, 3) for these rows of ``data``; None where the method does not apply."""
        ...
