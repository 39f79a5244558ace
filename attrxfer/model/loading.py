"""One way to open everything that turns images into images: bundles, runs, exported files, methods, shipped models."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrxfer.errors import AttrxferError, UnknownName, did_you_mean
from attrxfer.model import bundle, exported
from attrxfer.model.calling import CallableModel
from attrxfer.plugin.distribution import training_packages
from attrxfer.plugin.host import Host
from attrxfer.plugin.host import load as load_host
from attrxfer.plugin.parameters import is_table

if TYPE_CHECKING:
    import torch

CPU = "cpu"
log = logging.getLogger("attrxfer")


def load_model(
    path_or_name: str | Path,
    host: Host | None = None,
    device: str | torch.device = CPU,
    attributes: Mapping[str, bool] | None = None,
) -> CallableModel:
    """Open a model, which satisfies ``attrxfer.interfaces.Model``.

    A path goes before a name. torch is imported for bundles only.

    Args:
        path_or_name: A bundle's folder, the folder of a finished run, an exported file, the name of a registered method, or
            the name of a model that a plugin ships.
        host: The plugins; those of this process where it is left out.
        device: Where the networks of a bundle are placed: "cpu", "cuda:1".
        attributes: What a bundle for many attributes makes of images; None: what its recipe's task says.

    Raises:
        BundleError: The bundle or file is incomplete, was changed, or has another format.
        UnknownName: There is nothing of this name; the message names the nearest one.
        AttrxferError: What opens the file is not installed, the model cannot change these attributes, this machine has no such
            device, or a device is named for what is no bundle.
    """
    host = host or load_host()
    place = locate(path_or_name, host)
    log.debug("model: %s", place)
    if attributes is not None and (isinstance(place, str) or place.is_file()):
        raise AttrxferError(f"{path_or_name}: only a bundle for many attributes lets you choose: leave --attribute out")
    if str(device) != CPU and (isinstance(place, str) or place.is_file()):
        raise AttrxferError(f"{path_or_name}: only a bundle's networks can be placed on a device: leave --device out")
    if isinstance(place, str):
        from attrxfer.model.method import MethodModel

        return MethodModel(place, host)
    if place.is_file():
        return exported.open_file(place, host.registry)
    with training_packages():  # takes seconds: torch, which an exported file does without
        from attrxfer.model.inference import open_device
        from attrxfer.model.torch_model import TorchModel

    return TorchModel(bundle.load(place, host.registry), open_device(str(device)), attributes)


def locate(path_or_name: str | Path, host: Host) -> Path | str:
    """Where a model is, without opening it.

    Args:
        path_or_name: As in ``load_model``.
        host: The plugins.

    Returns:
        The bundle's folder or the exported file; of a method its name, or the table that names it.

    Raises:
        BundleError: A file that is no exported model, or a folder that is neither a bundle nor a finished run.
        UnknownName: There is nothing of this name; the message names the nearest one.
    """
    path, name = Path(path_or_name), str(path_or_name)
    if is_table(name):
        return name
    if path.is_file():
        exported.exporter_of(path, host.registry)
        return path
    if path.is_dir():
        return bundle.find(path)
    if name in host.registry.names("method"):
        return name
    shipped = host.models()
    if name not in shipped:
        raise UnknownName(f"{name}: no such file or folder, model or method{did_you_mean(name, known_names(path, host))}")
    return bundle.find(shipped[name])


def metadata_at(path: Path, host: Host) -> Mapping[str, Any]:
    """The metadata of a model that ``locate`` found at ``path``; its networks are not built.

    Raises:
        BundleError: It is damaged, or has another format.
        AttrxferError: What opens the file is not installed.
    """
    return exported.open_file(path, host.registry).metadata if path.is_file() else bundle.read_metadata(path)


def known_names(path: Path, host: Host) -> list[str]:
    """What ``load_model`` opens: the methods, the shipped models, and the bundles, runs and exported files beside ``path``."""
    suffixes = exported.suffixes(host.registry)
    beside = path.parent.iterdir() if path.parent.is_dir() else ()
    models = (str(other) for other in beside if other.suffix in suffixes or bundle.is_there(other))
    return [*host.registry.names("method"), *host.models(), *models]
