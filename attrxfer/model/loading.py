"""One ``load_model`` for everything that turns images into images: bundles, runs, exported files, methods."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from attrxfer.errors import UnknownName, did_you_mean
from attrxfer.model import bundle, exported
from attrxfer.model.calling import CallableModel
from attrxfer.plugin.host import Host
from attrxfer.plugin.host import load as load_host

if TYPE_CHECKING:
    import torch


def load_model(path_or_name: str | Path, host: Host | None = None, device: str | torch.device = "cpu") -> CallableModel:
    """Open a model, which satisfies ``attrxfer.interfaces.Model``.

    A path goes before a name. torch is imported for bundles only.

    Args:
        path_or_name: A bundle's folder, the folder of a finished run, an exported file, the name of a registered method, or
            the name of a model that a plugin ships.
        host: The plugins; those of this process where it is left out.
        device: Where the networks of a bundle are placed. The others ignore it.

    Raises:
        BundleError: The bundle or file is incomplete, was changed, or has another format.
        UnknownName: There is nothing of this name; the message names the nearest one.
        AttrxferError: What opens the file is not installed.
    """
    host = host or load_host()
    path, name = Path(path_or_name), str(path_or_name)
    if path.is_file():
        return exported.open_file(path, host.registry)
    if not path.is_dir():
        if name in host.registry.names("method"):
            from attrxfer.model.method import MethodModel

            return MethodModel(name, host.registry)
        shipped = host.models()
        if name not in shipped:
            raise unknown(name, host)
        path = shipped[name]
    from attrxfer.model.torch_model import TorchModel  # takes seconds: torch, which an exported file does without

    return TorchModel(bundle.load(path, host.registry), device)


def unknown(name: str, host: Host) -> UnknownName:
    """The error for what ``load_model`` does not find."""
    near = did_you_mean(name, known_names(Path(name), host))
    return UnknownName(f"{name}: no such file or folder, model or method{near}")


def known_names(path: Path, host: Host) -> list[str]:
    """What ``load_model`` opens: the methods, the shipped models, and the bundles and runs beside ``path``."""
    beside = path.parent.iterdir() if path.parent.is_dir() else ()
    return [*host.registry.names("method"), *host.models(), *(str(other) for other in beside if bundle.is_there(other))]
