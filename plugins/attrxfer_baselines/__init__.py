"""Methods without training, for the reference rows of scorecards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrxfer.plugin.hookspecs import hookimpl

if TYPE_CHECKING:
    from attrxfer.plugin.registry import Registry


@hookimpl
def register_components(registry: Registry) -> None:
    for name, target, summary in (
        ("input_copy", "InputCopy", "the input itself"),
        ("nearest_guided", "NearestGuided", "the training image with the attribute that is nearest to the input"),
        ("another_photo", "AnotherPhoto", "another real image of the same person"),
        ("stranger", "Stranger", "an image of somebody else"),
        ("truth", "Truth", "the exact counterfactual, where the data set can draw it"),
    ):
        registry.method(name, f"attrxfer_baselines.references:{target}", summary=summary, licence="MIT")
