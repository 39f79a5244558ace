"""How the share of results that have the attribute grows with strength: strengths in units that mean the same for every
model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Response:
    """The share of held-out results that have the attribute, at rising strengths.

    Attributes:
        strengths: Rising, from 0 to 1.
        shares: The share at each of them, in 0..1.
    """

    strengths: tuple[float, ...]
    shares: tuple[float, ...]

    @classmethod
    def read(cls, table: Mapping[str, Any] | None) -> Response | None:
        """Of a model's metadata; None where there is none."""
        return None if table is None else cls(tuple(table["strengths"]), tuple(table["shares"]))

    def table(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {"strengths": list(self.strengths), "shares": [round(share, 4) for share in self.shares]}

    def strength_at(self, part: float) -> float:
        """The strength at which the share has made a part of its way from strength 0 to strength 1.

        Where the share falls, the highest so far counts. A share that does not rise at all says nothing, so the strength is
        then the part itself.

        Args:
            part: In 0..1.

        >>> Response((0, 0.5, 1), (0.1, 0.7, 0.9)).strength_at(0.75)
        0.5
        """
        risen = np.maximum.accumulate(np.asarray(self.shares, np.float64))
        if risen[-1] <= risen[0] or part <= 0 or part >= 1:
            return float(np.clip(part, 0, 1))
        wanted = risen[0] + part * (risen[-1] - risen[0])
        after = int(np.argmax(risen >= wanted))
        low, high = slice(after - 1, after), slice(after, after + 1)
        share, strength = (np.concatenate([row[low], row[high]]) for row in (risen, np.asarray(self.strengths, np.float64)))
        return round(float(np.interp(wanted, share, strength)), 3)
