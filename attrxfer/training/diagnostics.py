"""What goes wrong in adversarial training, seen while it happens: each symptom with its cause and the knob to turn."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

WINDOW = 100
"""Steps whose losses are averaged."""
WON = 0.05
"""D's losses together, below which it has nothing left to learn from T (chance is 1.39)."""
SAME = 1.0
"""Mean absolute difference of output and input, in steps of 0..255, below which nothing was changed."""
COLLAPSED = 0.25
"""Spread of outputs as a share of the spread of inputs, below which T makes one image of all."""
DRIFTED = 25.0
"""Shift of the mean colour, in steps of 0..255, that all images have in common."""
Images = NDArray[np.uint8]


@dataclass(frozen=True)
class Symptom:
    """Seen in ``stage`` after ``step`` steps. name: what it is called. figure: what was measured. remedy: what to turn."""

    stage: str
    step: int
    name: str
    figure: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.stage}, step {self.step}: {self.name} ({self.figure}); {self.remedy}"


class Diagnostics:
    """Watches a stage that plays T against D (one that names D's losses in ``discriminator_terms``). Each symptom is told
    once a stage."""

    def __init__(self, tell: Callable[[Symptom], None], known: Sequence[Mapping[str, Any]] = ()) -> None:
        self._tell = tell
        self.found: list[dict[str, Any]] = [dict(symptom) for symptom in known]
        self._losses: deque[float] = deque(maxlen=WINDOW)

    def losses(self, stage: Any, key: str, step: int, values: Mapping[str, float]) -> None:
        """After every step: has D won?"""
        terms = getattr(stage, "discriminator_terms", ())
        if not terms:
            self._losses.clear()
            return
        self._losses.append(sum(values.get(term, 0.0) for term in terms))
        mean = float(np.mean(self._losses))
        if len(self._losses) == WINDOW and mean < WON:
            self._see(
                Symptom(
                    key,
                    step,
                    "the discriminator won",
                    f"its losses are {mean:.2g} together over {WINDOW} steps",
                    "T learns only patterns that fool it: hold D back with --set adversarial.r1=1 or adversarial.shift=0.1, "
                    "or train on more images",
                )
            )

    def samples(self, stage: Any, key: str, step: int, sources: Images, outputs: Images) -> None:
        """Whenever sample images (N, S, S, 3) are drawn."""
        if not getattr(stage, "discriminator_terms", ()):
            return
        before, after = sources.astype(np.float64), outputs.astype(np.float64)
        change = float(np.abs(after - before).mean())
        if change < SAME and 2 * step >= stage.steps:
            self._see(
                Symptom(
                    key,
                    step,
                    "the output equals the input",
                    f"mean difference {change:.2g} of 255",
                    "the attribute has no pull: lower identity.weight, or train longer (--set train.adversarial.steps=...)",
                )
            )
        spread = float(after.std(0).mean() / max(before.std(0).mean(), 1e-9))
        if len(outputs) > 1 and spread < COLLAPSED:
            self._see(
                Symptom(
                    key,
                    step,
                    "mode collapse",
                    f"outputs differ {spread:.0%} as much as their inputs",
                    "T makes one image of all: raise identity.weight, or lower train.adversarial.rate",
                )
            )
        drift = (after - before).mean((0, 1, 2))
        if np.abs(drift).max() > DRIFTED:
            self._see(
                Symptom(
                    key,
                    step,
                    "colour drift",
                    "all outputs moved by " + ", ".join(f"{c} {d:+.0f}" for c, d in zip("RGB", drift, strict=True)),
                    "D tells guided images by their colours: let it see changed ones (--set adversarial.brightness=0.2 "
                    "--set adversarial.contrast=0.2), or raise identity.weight",
                )
            )

    def _see(self, symptom: Symptom) -> None:
        if any(other["stage"] == symptom.stage and other["name"] == symptom.name for other in self.found):
            return
        self.found.append(asdict(symptom))
        self._tell(symptom)
