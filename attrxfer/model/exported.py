"""Exported files: a model in one file that runs without torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attrxfer.errors import AttrxferError, BundleError, in_a_line
from attrxfer.interfaces import Exporter, Framing, Runner
from attrxfer.model.bundle import read_alignment
from attrxfer.model.calling import CallableModel
from attrxfer.model.card import ExportedCard, check_card
from attrxfer.plugin.registry import Registry

BATCH = 32
"""Images that networks get at once."""
KEPT = ("format", "task", "size", "chain", "sha256", "licences", "plugins", "recipe")
"""What of a bundle's metadata is in every exported file."""
OPTIONAL = ("framing", "alignment", "weights", "texture", "attribute", "response", "reach")
"""What of a bundle's metadata is in the file too, null where the bundle has none."""
Images = NDArray[np.uint8]


def in_batches(run: Runner, images: Images, strength: float) -> Images:
    """A runner's results for images (N, S, S, 3), 32 at a time; at strength 0 the images themselves."""
    if strength == 0 or not len(images):
        return images
    return np.concatenate([run(images[i : i + BATCH], strength) for i in range(0, len(images), BATCH)])


class ExportedModel(CallableModel):
    """The model in an exported file; it runs without torch."""

    def __init__(self, path: Path, runner: Runner, metadata: Mapping[str, Any]) -> None:
        self.path = path
        self.metadata = metadata
        self.size: int = metadata["size"]
        self.guided: Mapping[str, bool] = metadata["task"]["guided"]
        self.name = str(path)
        self.framing = Framing.read(metadata.get("framing"))
        self.alignment = read_alignment(metadata)
        self._runner = runner

    def __repr__(self) -> str:
        return f"ExportedModel({self.name!r}, {self.metadata['task']['name']}, {self.size} px)"

    def images(self, images_u8: Images, strength: float = 1.0) -> Images:
        """x + strength * (chain(x) - x) for images uint8 (N, S, S, 3), in batches of 32; strength 0 is the input itself.

        Raises:
            BundleError: The network does not take such images, or its results are none.
        """
        return in_batches(self._run, images_u8, strength)

    def _run(self, images: Images, strength: float) -> Images:
        try:
            results = self._runner(images, strength)
        except AttrxferError:
            raise
        except Exception as error:  # a stranger's network may fit no image
            raise BundleError(f"{self.path}: its network cannot be run ({in_a_line(error)})") from None
        if results.shape != images.shape or results.dtype != np.uint8:
            found = f"{results.dtype} {list(results.shape)} for uint8 {list(images.shape)}"
            raise BundleError(f"{self.path}: its network gives no images ({found})")
        return results


def open_file(path: Path, registry: Registry) -> ExportedModel:
    """Open an exported file, by any exporter of its suffix.

    Raises:
        BundleError: No exporter writes files of its suffix, the file is damaged, or attrxfer did not write it.
        AttrxferError: What reads it is not installed.
    """
    try:
        runner, metadata = exporter_of(path, registry)().open(path)
    except AttrxferError:
        raise
    except Exception as error:  # runtimes raise many kinds of exceptions for networks and metadata that make no sense
        if isinstance(error, OSError) and error.filename is not None:  # the file cannot be read at all
            raise
        raise BundleError(f"{path}: damaged ({in_a_line(error)})") from None
    check_card(path, metadata, ExportedCard, "model file", "export it again")
    return ExportedModel(path, runner, metadata)


def suffixes(registry: Registry) -> list[str]:
    """The suffixes of exported files."""
    return sorted(_exporters(registry))


def exporter_of(path: Path, registry: Registry) -> type[Exporter]:
    """The first exporter that writes files of this suffix; any of them opens the files of all.

    Raises:
        BundleError: There is none.
    """
    exporters = _exporters(registry)
    if path.suffix not in exporters:
        raise BundleError(f"{path}: not an exported model; those end in {', '.join(sorted(exporters))}")
    return exporters[path.suffix]


def _exporters(registry: Registry) -> dict[str, type[Exporter]]:
    found: dict[str, type[Exporter]] = {}
    for component in registry.all("exporter"):
        exporter: type[Exporter] = component.load()
        found.setdefault(exporter.suffix, exporter)
    return found
