"""The data set of drawn faces, in which the exact counterfactual of every face is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrxfer.plugin.hookspecs import hookimpl

if TYPE_CHECKING:
    from attrxfer.plugin.registry import Registry


@hookimpl
def register_components(registry: Registry) -> None:
    registry.dataset(
        "synthetic_faces",
        "attrxfer_synth.dataset:SyntheticFaces",
        summary="drawn faces, with the exact counterfactual of each",
        licence="MIT",
    )
