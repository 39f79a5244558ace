"""What is compared: a recipe for each method, all with one task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrxfer.plugin.host import Host
from attrxfer.recipe import Recipe, complete, load, read
from attrxfer.report.markdown import conditions

METHODS = {
    "DIAT-A": "diat_a",
    "DIAT-A with a mask limit": "diat_mask",
    "DIAT of 2018": "rivals/diat_2018",
    "CycleGAN": "rivals/cyclegan",
    "StarGAN": "rivals/stargan",
    "AttGAN": "rivals/attgan",
}
TASK = "diat_a_gender"
ATTGAN = 10.0
"""Weight of the attributes' cross-entropy, averaged over attributes; the product sums it."""
MANY = "rivals/stargan", "rivals/attgan"


def recipe(
    method: str, task: str, seed: int, host: Host, data: dict[str, Any] | None = None, sets: Sequence[str] = ()
) -> Recipe:
    """A method's recipe with the task of another recipe. Networks for many attributes get those of the task only, so that no
    method has more to learn than another."""
    own = load(task, host).task
    overrides = [
        f"task.guided={{{conditions(own.guided)}}}",
        f"task.name={own.name}",
        f"train.seed={seed}",
        "report.evaluate=0",
        "metric=[]",
    ]
    if METHODS[method] in MANY:
        names = ", ".join(f'"{name}"' for name in own.guided)
        overrides += [f"{kind}.attributes=[{names}]" for kind in ("generator", "discriminator")]
    if method == "AttGAN":
        overrides.append(f"discriminator.classification={ATTGAN / len(own.guided):g}")
    name = METHODS[method]
    # load would take "photos" for photographs in the place of "diat_a"
    return complete(read(name, host), name, host, [*overrides, *sets], data)
