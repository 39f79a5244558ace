"""Metrics, and the finished transfer as they see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


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
