"""A registered method as a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attrxfer.errors import AttrxferError
from attrxfer.interfaces import Framing, Method, TransfersImages, TransfersWholeImages
from attrxfer.model.calling import CallableModel
from attrxfer.model.exported import in_batches
from attrxfer.plugin.host import Host
from attrxfer.plugin.parameters import Spec, build, missing_for
from attrxfer.plugin.registry import Registry
from attrxfer.recipe.tables import spec_of

SIZE = 64
"""Side in pixels of the images of a method, which was not trained at any size."""


def build_method(name: str, registry: Registry, size: int) -> tuple[Spec, Method, dict[str, Any]]:
    """A method, its spec, and the components that were built for it, by key.

    Args:
        name: The registered name, with its settings at their defaults; or a table of TOML.
        registry: The components.
        size: Side of the images in pixels.

    Raises:
        UnknownName: No such method.
        AttrxferError: Something that the method reads is missing.
    """
    spec = spec_of("method", name, registry, size)
    missing = missing_for(spec)
    if missing:
        raise AttrxferError(f"method {name} is missing {'; '.join(missing)}")
    built: dict[str, Any] = {}
    return spec, build(spec, built), built


class MethodModel(CallableModel):
    """A method (kind ``method``) with its settings at their defaults.

    Attributes:
        spec: Its settings.
        built: It and the components that were built for it, by key.
        guided: Empty: a method is told the target when it is scored.
        metadata: task (named as the method), size, chain (the method alone), sha256 (empty), licences, plugins, reach.
        framing: None.
        alignment: None.
    """

    def __init__(self, name: str, host: Host, size: int = SIZE) -> None:
        """Build the method.

        Args:
            name: The registered name.
            host: The plugins.
            size: Side of the images in pixels.

        Raises:
            UnknownName: No such method.
            AttrxferError: What the method needs is not installed.
        """
        self.spec, self.method, self.built = build_method(name, host.registry, size)
        spec = self.spec
        self.name = name
        self.size = size
        self.guided: Mapping[str, bool] = {}
        self.framing: Framing | None = None
        self.alignment: NDArray[np.float32] | None = None
        component = spec.component
        plugins = {plugin.name: plugin.version for plugin in host.plugins() if plugin.name == component.owner}
        self.metadata: Mapping[str, Any] = {
            "task": {"name": name, "guided": {}},
            "size": size,
            "chain": [{"kind": "method", **spec.table()}],
            "sha256": {},
            "licences": [component.licence] if component.licence else [],
            "plugins": plugins,
            "reach": self.method.reach if isinstance(self.method, TransfersWholeImages) else None,
        }

    def __repr__(self) -> str:
        return f"MethodModel({self.name!r})"

    def transferring(self) -> TransfersImages:
        """The method, which can be applied to any image.

        Raises:
            AttrxferError: It makes results for the images of a data set only.
        """
        if not isinstance(self.method, TransfersImages):
            raise AttrxferError(
                f"method {self.name} makes results for images of a data set only; score it with attrxfer evaluate"
            )
        return self.method

    def images(self, images_u8: NDArray[np.uint8], strength: float = 1.0) -> NDArray[np.uint8]:
        """Transfer uint8 images (N, S, S, 3); strength 0 is the input itself.

        Raises:
            AttrxferError: The method makes results for the images of a data set only.
        """
        method = self.transferring()

        def run(images: NDArray[np.uint8], strength: float) -> NDArray[np.uint8]:
            return method.transfer(images, strength)

        return in_batches(run, images_u8, strength)
