"""Beyond faces (section 4.3): the quality of an image, its style and a hand's writing as attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrxfer.plugin.hookspecs import hookimpl

if TYPE_CHECKING:
    from attrxfer.plugin.registry import Registry


@hookimpl
def register_components(registry: Registry) -> None:
    here = {"licence": "MIT"}
    registry.dataset(
        "pictures",
        "attrxfer_quality.pictures:Pictures",
        summary="patches of scikit-image's pictures, half of them blurred, reduced, rained on or painted",
        **here,
    )
    registry.dataset("handwriting", "attrxfer_quality.handwriting:Handwriting", summary="drawn letters of two hands", **here)
    registry.generator(
        "residual", "attrxfer_quality.generator:ResidualNetwork", summary="x + f(x), f at full resolution", **here
    )
    registry.identity("degraded_again", "attrxfer_quality.identity:DegradedAgain", summary="T(x), degraded again, is x", **here)
    for name, target, summary in (
        ("wiener", "Wiener", "deconvolution by Wiener's filter, of a known blur"),
        ("richardson_lucy", "RichardsonLucy", "deconvolution by Richardson and Lucy, of a known blur"),
        ("median", "Median", "the median of each pixel's neighbourhood"),
        ("slant", "Slant", "the image sheared by a known slant"),
    ):
        registry.method(name, f"attrxfer_quality.references:{target}", summary=summary, **here)
