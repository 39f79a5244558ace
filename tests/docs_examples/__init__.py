"""One small component a kind, as the documentation shows them; the tests run the contract suite over each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrxfer.plugin.hookspecs import hookimpl

if TYPE_CHECKING:
    from attrxfer.plugin.registry import Registry

HERE = "tests.docs_examples"


@hookimpl
def register_components(registry: Registry) -> None:
    registry.generator("residual", f"{HERE}.generator:Residual", summary="the image plus a small change")
    registry.discriminator("pooled", f"{HERE}.discriminator:Pooled", summary="four convolutions and their mean")
    registry.features("edges", f"{HERE}.features:Edges", summary="where brightness changes")
    registry.adversarial("least_squares", f"{HERE}.adversarial:LeastSquares", summary="squared errors of D's logits")
    registry.identity("edges", f"{HERE}.identity:SameEdges", summary="edges stay where they are")
    registry.regularizer("small_change", f"{HERE}.regularizer:SmallChange", summary="T changes little")
    registry.enhancer("same_colour", f"{HERE}.enhancer:SameColour", summary="gives the source's mean colour back")
    registry.dataset("discs", f"{HERE}.dataset:Discs", summary="drawn discs, large or small")
    registry.selection("without", f"{HERE}.selection:Without", summary="leaves out what has an attribute")
    registry.locator("middle", f"{HERE}.locator:Middle", summary="a square in the middle")
    registry.stage("settle", f"{HERE}.stage:Settle", summary="T learns to leave images alone")
    registry.metric("change", f"{HERE}.metric:Change", summary="how much of the image was changed")
    registry.method("average", f"{HERE}.method:Average", summary="the mean of all training images with the attribute")
    registry.backend("plain", f"{HERE}.backend:Plain", summary="torch as it is")
    registry.exporter("gzip", f"{HERE}.exporter:Gzip", summary="a compressed ONNX file, .onnxz")
    registry.engine("threads", f"{HERE}.engine:Threads", summary="threads of this process")
