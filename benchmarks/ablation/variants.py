"""What is compared: tasks, variants, and the recipe of each pair."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrxfer.plugin.host import Host
from attrxfer.recipe import Recipe, load
from attrxfer.report.markdown import conditions

TASKS = ("mouth_open", "mouth_close", "eyeglasses_removal", "gender", "age")
REGION = {"mouth_open": "mouth", "mouth_close": "mouth", "eyeglasses_removal": "eyes"}
"""Where the local tasks may change the image."""
VARIANTS = ("diat_a0", "diat_a", "diat1", "diat2", "diat3", "diat")
ENHANCED = {"diat_a": "diat_a0", "diat": "diat3"}
"""Variants with an enhancement network, and what each is without: the same training up to that network."""


def recipe(task: str, variant: str, seed: int, host: Host, data: dict[str, Any] | None, sets: Sequence[str]) -> Recipe:
    """A variant's recipe with the task of ``diat_a_TASK``; local tasks take the local enhancer (section 3.2)."""
    own = load(f"diat_a_{task}", host).task
    overrides = [
        f"task.guided={{{conditions(own.guided)}}}",
        f"task.name={task}",
        f"train.seed={seed}",
        "report.evaluate=0",
        "metric=[]",
    ]
    if variant in ENHANCED and task in REGION:
        overrides.append('enhancer=[{use="local"}]')
    if task == "eyeglasses_removal":
        overrides.append('train.local_enhancer.locator={use="auto", region="eyes"}')
    return load(f"variants/{variant}", host, [*overrides, *sets], data)


def place(out: Path, task: str, variant: str, seed: int) -> Path:
    """The run's folder."""
    return out / task / variant / f"seed{seed}"
