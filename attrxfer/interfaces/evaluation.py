"""Metrics and methods, and the finished transfer as they see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Unit = Literal["share", "dB", "ms", "MB", "GFLOP", ""]
Better = Literal["higher", "lower", ""]


@dataclass(frozen=True)
class PerImageScore:
    """A number for each result: values (N,), NaN where it cannot be told. What is shown is their mean, with an interval
    drawn over people."""

    values: NDArray[np.floating]
    unit: Unit = ""
    better: Better = "higher"


@dataclass(frozen=True)
class AggregateScore:
    """A number of the results as a set, from ``n`` images, with its 95% interval where it has one."""

    value: float
    n: int
    low: float | None = None
    high: float | None = None
    unit: Unit = ""
    better: Better = ""


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
    def data(self) -> Any:
        """The opened data set (``attrxfer.data.Data``)."""
        ...

    @property
    def transfer(self) -> Any:
        """What made the outputs (``attrxfer.model.loading.Transfer``), or None for images of unknown origin."""
        ...

    @property
    def seed(self) -> int:
        """The run's seed."""
        ...


class Metric(Protocol):
    """Kind ``metric``: named scores of a transfer; none where it does not apply (no truth, for example)."""

    def __call__(self, evaluation: Evaluation) -> Mapping[str, PerImageScore | AggregateScore]: ...


class Method(Protocol):
    """Kind ``method``: makes images of held-out inputs without having been trained here: baselines. A class with
    ``anchor = True`` stands in every scorecard, to read the others against.

    One that picks real images may offer ``picks(data, target, rows) -> rows or None``, which they are. One that picks other
    images of the inputs' own subjects says so with ``same_subject = True``: what they reach is what a transfer's identity
    is held against.
    """

    def __call__(self, data: Any, target: Mapping[str, bool], rows: NDArray[np.int64]) -> NDArray[np.uint8] | None:
        """Results (N, S, S, 3) for these rows of ``data`` (``attrxfer.data.Data``), None where it does not apply."""
        ...
