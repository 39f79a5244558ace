"""Failures of adversarial training, reported as they appear, with what to change in the recipe."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attrxfer.interfaces import Failure, PlaysAdversarially, Stage

WINDOW = 100
"""Number of steps over which losses are averaged."""
WON = 0.04
"""D's loss as a share of its value at chance; below it, D has won."""
WINNING = 1 / 3
"""D's loss as a share of its value at chance; below it, D has won where T's outputs also move away from their inputs."""
GROWN = 1.5
"""Outputs have moved away from their inputs when the difference is this many times what it was."""
SAME = 1.0
"""Mean absolute difference in steps of 0..255; below it, outputs equal their inputs."""
COLLAPSED = 0.25
"""Standard deviation between outputs as a share of that between inputs; below it, T makes one image of all."""
DRIFTED = 25.0
"""Shift of the mean colour over all images in steps of 0..255; above it, colours have drifted."""
Images = NDArray[np.uint8]


@dataclass(frozen=True)
class Symptom:
    """A failure that was found.

    Attributes:
        stage: The stage's key.
        step: After how many of its steps.
        name: The failure.
        figure: What was measured.
        remedy: What to change in the recipe; "" where the adversarial component names nothing.
    """

    stage: str
    step: int
    name: str
    figure: str
    remedy: str

    def __str__(self) -> str:
        remedy = f"; {self.remedy}" if self.remedy else ""
        return f"{self.stage}, step {self.step}: {self.name} ({self.figure}){remedy}"


class Diagnostics:
    """Watches stages that train T against D (ability ``PlaysAdversarially``). Each failure is reported once in each stage.

    Args:
        report: Called with every new symptom.
        known: Symptoms that were found before the run was resumed, as dicts.
        changes: ``changes`` of before the run was resumed.

    Attributes:
        found: All symptoms, as dicts.
        changes: For each stage, by its key, how much outputs differed from inputs when D was last not winning, in steps of 255.
    """

    def __init__(
        self,
        report: Callable[[Symptom], None],
        known: Sequence[Mapping[str, Any]] = (),
        changes: Mapping[str, float] | None = None,
    ) -> None:
        self._report = report
        self.found: list[dict[str, Any]] = [dict(symptom) for symptom in known]
        self.changes: dict[str, float] = dict(changes or {})
        self._losses: deque[float] = deque(maxlen=WINDOW)
        self._stage = ""

    def losses(self, stage: Stage, key: str, step: int, values: Mapping[str, float]) -> None:
        """Check D's loss after a step.

        Args:
            stage: The stage.
            key: Its key in the run.
            step: How many of its steps are done.
            values: The scalars that the step returned.
        """
        if key != self._stage:
            self._losses.clear()
            self._stage = key
        if not isinstance(stage, PlaysAdversarially):
            return
        terms = stage.discriminator_terms
        known = [values[name] for name in terms.names if name in values]
        if not known:
            return
        self._losses.append(sum(known))
        mean = float(np.mean(self._losses))
        if len(self._losses) == WINDOW and mean < WON * terms.chance:
            figure = f"its losses are {mean:.2g} together over {WINDOW} steps, {terms.chance:.3g} at chance"
            self._see(stage, key, step, "the discriminator won", figure)

    def samples(self, stage: Stage, key: str, step: int, sources: Images, outputs: Images) -> None:
        """Check sample images.

        Args:
            stage: The stage.
            key: Its key in the run.
            step: How many of its steps are done.
            sources: Inputs, uint8 (N, S, S, 3).
            outputs: What T makes of them, uint8 (N, S, S, 3).
        """
        if not isinstance(stage, PlaysAdversarially):
            return
        before, after = sources.astype(np.float64), outputs.astype(np.float64)
        change = float(np.abs(after - before).mean())
        self._slow_win(stage, key, step, change)
        if change < SAME and 2 * step >= stage.steps:
            self._see(stage, key, step, "the output equals the input", f"mean difference {change:.2g} of 255")
        spread = float(after.std(0).mean() / max(before.std(0).mean(), 1e-9))
        if len(outputs) > 1 and spread < COLLAPSED:
            self._see(stage, key, step, "mode collapse", f"outputs differ {spread:.0%} as much as their inputs")
        drift = (after - before).mean((0, 1, 2))
        if np.abs(drift).max() > DRIFTED:
            moved = ", ".join(f"{c} {d:+.0f}" for c, d in zip("RGB", drift, strict=True))
            self._see(stage, key, step, "colour drift", f"all outputs moved by {moved}")

    def _slow_win(self, stage: PlaysAdversarially, key: str, step: int, change: float) -> None:
        """D's loss has fallen below a third of chance, and T's outputs have since moved away from their inputs."""
        if len(self._losses) < WINDOW:
            return
        share = float(np.mean(self._losses)) / stage.discriminator_terms.chance
        if share >= WINNING or key not in self.changes:
            self.changes[key] = change
        elif change > GROWN * max(self.changes[key], SAME):
            figure = (
                f"its losses fell to {share:.0%} of chance while outputs moved from {self.changes[key]:.1f} to {change:.1f} "
                f"of 255 from their inputs"
            )
            self._see(stage, key, step, "the discriminator won", figure)

    def _see(self, stage: PlaysAdversarially, key: str, step: int, name: Failure, figure: str) -> None:
        if any(other["stage"] == key and other["name"] == name for other in self.found):
            return
        symptom = Symptom(key, step, name, figure, stage.discriminator_terms.remedies.get(name, ""))
        self.found.append(asdict(symptom))
        self._report(symptom)
