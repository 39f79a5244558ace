"""Many files on many processes or machines, by Ray: ``attrxfer transfer MODEL photos/ --engine ray``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrxfer.plugin.hookspecs import hookimpl

if TYPE_CHECKING:
    from attrxfer.plugin.registry import Registry


@hookimpl
def register_components(registry: Registry) -> None:
    registry.engine(
        "ray", "attrxfer_ray.engine:Ray", summary="processes of this machine or of a cluster (extra ray)", licence="Apache-2.0"
    )
