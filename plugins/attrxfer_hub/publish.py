"""What is published of a bundle: its two files and a model card, without paths of this machine."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrxfer.model.bundle import read_metadata
from attrxfer.model.card import METADATA, WEIGHTS
from attrxfer.storage.files import new_folder
from attrxfer_hub.model_card import packed_card

if TYPE_CHECKING:
    from attrxfer.plugin.registry import Registry

README = "README.md"
PATH_START = re.compile(r"/|~|\.\.?[/\\]|[A-Za-z]:[/\\]|\\\\|file:")
"""The start of a text that is a path."""
SEPARATOR = re.compile(r"[/\\]")


def without_paths(metadata: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Replace every path in a bundle's metadata by its last part.

    A path is any text that starts like one (absolute, below the home folder, or relative with a dot), and any text with a
    separator under the key ``path``. Checksums stay correct, since they are of the weights only.

    Args:
        metadata: The content of attrxfer.json.

    Returns:
        The metadata to upload, and {key: last part} of the paths that were replaced.

    >>> without_paths({"recipe": {"data": {"use": "celeba", "path": "/home/me/celeba"}, "reference": "paper/diat"}})[1]
    {'recipe.data.path': 'celeba'}
    """
    cut: dict[str, str] = {}
    return _cut(metadata, (), cut), cut


def _cut(value: Any, place: tuple[str, ...], cut: dict[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _cut(inner, (*place, key), cut) for key, inner in value.items()}
    if isinstance(value, list):
        return [_cut(inner, (*place, str(number)), cut) for number, inner in enumerate(value)]
    if isinstance(value, str) and (PATH_START.match(value) or (place[-1] == "path" and SEPARATOR.search(value))):
        cut[".".join(place)] = SEPARATOR.split(value.rstrip("/\\"))[-1]
        return cut[".".join(place)]
    return value


def halved(path: Path) -> bytes:
    """The weights of a bundle in half precision, as safetensors: matrices and kernels as float16.

    Vectors (biases, and the statistics of normalisation, some of which float16 cannot hold) and integers stay as they are.

    Args:
        path: The bundle's model.safetensors.
    """
    import torch
    from safetensors.torch import load_file, save

    tensors = load_file(path)
    kernels = (name for name, value in tensors.items() if value.dtype == torch.float32 and value.dim() > 1)
    return save(tensors | {name: tensors[name].half() for name in kernels})


def pack(bundle: Path, folder: Path, registry: Registry, scored: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Write a bundle anew, to be shipped: weights in half precision, no paths of this machine, and a model card.

    Args:
        bundle: The bundle's folder.
        folder: The new bundle's folder, which must not exist; its name is the model's name in the card.
        registry: The installed components.
        scored: Replaces what the bundle has under these keys: {"scores": ..., "response": ...}.

    Returns:
        {key: last part} of the paths that were replaced.
    """
    original = read_metadata(bundle)
    metadata, removed = without_paths({**original, **(scored or {})})
    weights = halved(bundle / WEIGHTS)
    metadata["sha256"] = {WEIGHTS: hashlib.sha256(weights).hexdigest()}
    with new_folder(folder) as draft:
        (draft / WEIGHTS).write_bytes(weights)
        (draft / METADATA).write_text(json.dumps(metadata, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        (draft / README).write_text(packed_card(metadata, folder.name, registry), encoding="utf-8")
    return removed


def stage(bundle: Path, metadata: Mapping[str, Any], readme: str, folder: Path) -> None:
    """Write the three files that are uploaded into ``folder``: metadata, model card and weights."""
    (folder / METADATA).write_text(json.dumps(metadata, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / README).write_text(readme, encoding="utf-8")
    shutil.copyfile(bundle / WEIGHTS, folder / WEIGHTS)
