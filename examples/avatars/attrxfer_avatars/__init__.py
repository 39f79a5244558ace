"""Drawn avatars as a data set: a third party's plugin."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from attrxfer.plugin.hookspecs import hookimpl

if TYPE_CHECKING:
    from attrxfer.plugin.registry import Registry


@hookimpl
def register_components(registry: Registry) -> None:
    registry.dataset(
        "avatars",
        "attrxfer_avatars.dataset:Avatars",
        summary="faces in ink, drawn by DiceBear in the style Lorelei",
        licence="MIT; the style Lorelei by Lisa Wischofsky: CC0 1.0",
    )


@hookimpl
def register_recipes() -> Path:
    return Path(__file__).parent / "recipes"
