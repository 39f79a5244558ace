"""Models on a page that runs in the visitor's own browser: ``attrxfer export MODEL... --to web -o site``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrxfer.plugin.hookspecs import hookimpl

if TYPE_CHECKING:
    from attrxfer.plugin.registry import Registry


@hookimpl
def register_components(registry: Registry) -> None:
    registry.exporter(
        "web",
        "attrxfer_web.exporter:WebExporter",
        summary="a folder with a page that runs any number of models in a browser (extra export; packages of npm)",
        licence="MIT",
    )
