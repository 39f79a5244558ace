"""Checkpoints: the tensors of a nested state as safetensors and the rest as JSON, written atomically."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from attrxfer.errors import BundleError
from attrxfer.storage.files import new_folder, sha256

FORMAT = 2
STATE, TENSORS = "checkpoint.json", "checkpoint.safetensors"


def pack(state: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """Move the tensors of a nested state into ``tensors`` and leave references, so that the rest is JSON.

    >>> tensors = {}
    >>> pack({"a": [1, torch.zeros(2)], 3: None}, tensors)
    {'dict': [['a', {'list': [1, {'tensor': '0'}]}], [3, None]]}
    """
    if isinstance(state, torch.Tensor):
        name = str(len(tensors))
        # a contiguous copy: safetensors stores neither strides nor shared memory
        tensors[name] = state.detach().cpu().clone(memory_format=torch.contiguous_format)
        return {"tensor": name}
    if isinstance(state, dict):
        return {"dict": [[key, pack(value, tensors)] for key, value in state.items()]}
    if isinstance(state, tuple):
        return {"tuple": [pack(value, tensors) for value in state]}
    if isinstance(state, list):
        return {"list": [pack(value, tensors) for value in state]}
    if state is None or isinstance(state, bool | int | float | str):
        return state
    raise TypeError(f"a state holds tensors, numbers, strings, lists and dicts, not {type(state).__name__}")


def unpack(packed: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """The inverse of ``pack``."""
    if not isinstance(packed, dict):
        return packed
    ((form, content),) = packed.items()
    if form == "tensor":
        return tensors[content]
    if form == "dict":
        return {key: unpack(value, tensors) for key, value in content}
    values = [unpack(value, tensors) for value in content]
    return tuple(values) if form == "tuple" else values


def save(folder: Path, name: str, state: dict[str, Any]) -> None:
    """Write checkpoint ``name`` into ``folder``, then remove older ones and remains of interrupted writes."""
    tensors: dict[str, torch.Tensor] = {}
    packed = pack(state, tensors)
    with new_folder(folder / name) as temporary:
        save_file(tensors, temporary / TENSORS)
        text = json.dumps({"format": FORMAT, "sha256": sha256(temporary / TENSORS), "state": packed})
        (temporary / STATE).write_text(text)
    _keep_only(folder, name)


def go_back(folder: Path, source: Path) -> None:
    """Make the newest checkpoint of ``source`` the only one of ``folder``.

    Raises:
        BundleError: ``source`` has none.
    """
    path = _newest(source)
    if path is None:
        raise BundleError(f"{source}: no checkpoint is kept here")
    with new_folder(folder / path.name) as temporary:
        shutil.copytree(path, temporary, dirs_exist_ok=True)
    _keep_only(folder, path.name)


def position(folder: Path) -> tuple[int, int] | None:
    """Stage and step of the newest complete checkpoint in ``folder``, by its name; None if there is none."""
    path = _newest(folder)
    if path is None:
        return None
    stage, _, step = path.name.partition("-")
    return int(stage), int(step)


def _keep_only(folder: Path, name: str) -> None:
    for other in folder.iterdir():
        if other.name != name:
            shutil.rmtree(other, ignore_errors=True)


def _newest(folder: Path) -> Path | None:
    names = sorted(path for path in folder.glob("[!.]*") if (path / STATE).is_file()) if folder.is_dir() else []
    return names[-1] if names else None


def load(folder: Path) -> dict[str, Any] | None:
    """Read the newest complete checkpoint in ``folder``; None if there is none.

    Raises:
        BundleError: It has another format, or was changed since it was written.
    """
    path = _newest(folder)
    if path is None:
        return None
    content = json.loads((path / STATE).read_text())
    if content["format"] != FORMAT:
        raise BundleError(
            f"{path / STATE}: checkpoint format {content['format']}; this version reads {FORMAT}: start the run again"
        )
    if sha256(path / TENSORS) != content["sha256"]:
        raise BundleError(f"{path / TENSORS}: changed since it was written (checksum differs)")
    return unpack(content["state"], load_file(path / TENSORS))
