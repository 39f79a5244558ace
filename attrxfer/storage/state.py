"""Checkpoints: the tensors of a nested state as safetensors and the rest as JSON, written atomically."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import torch

from attrxfer.errors import BundleError, DataError
from attrxfer.storage.files import new_folder, read_json, read_tensors, sha256, write_tensors

FORMAT = 2
STATE, TENSORS = "checkpoint.json", "checkpoint.safetensors"
KEPT = 2
"""Checkpoints that a run keeps: where a power cut damages the newest, the run goes on from the one before."""
log = logging.getLogger("attrxfer")


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
    """Write checkpoint ``name`` into ``folder``, then remove older ones, except the one before it.

    Raises:
        OSError: The disk is full, for example; the checkpoints that were there stay.
    """
    tensors: dict[str, torch.Tensor] = {}
    packed = pack(state, tensors)
    with new_folder(folder / name) as temporary:
        write_tensors(temporary / TENSORS, tensors)
        text = json.dumps({"format": FORMAT, "sha256": sha256(temporary / TENSORS), "state": packed})
        (temporary / STATE).write_text(text, encoding="utf-8")
    there = names(folder)
    kept = [other for other in there if other <= name][-KEPT:]  # later ones are damaged: the run went on from one before them
    for other in set(there).difference(kept):
        shutil.rmtree(folder / other, ignore_errors=True)


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
    for other in names(folder):
        if other != path.name:
            shutil.rmtree(folder / other, ignore_errors=True)


def position(folder: Path) -> tuple[int, int] | None:
    """Stage and step of the newest complete checkpoint in ``folder``, by its name; None if there is none."""
    path = _newest(folder)
    if path is None:
        return None
    stage, _, step = path.name.partition("-")
    return int(stage), int(step)


def names(folder: Path) -> list[str]:
    """The checkpoints in ``folder``, the newest last."""
    return sorted(path.name for path in folder.glob("[!.]*")) if folder.is_dir() else []


def _newest(folder: Path) -> Path | None:
    complete = [folder / name for name in names(folder) if (folder / name / STATE).is_file()]
    return complete[-1] if complete else None


def load(folder: Path) -> dict[str, Any] | None:
    """Read the newest checkpoint in ``folder`` that is whole; None if there is none. A damaged one is named in the log.

    Raises:
        BundleError: It has another format, or all are damaged.
    """
    damaged = ""
    for name in reversed(names(folder)):
        if damaged:
            log.warning("%s; going on from the checkpoint before it, %s", damaged, name)
        try:
            return _read(folder / name)
        except DataError as error:
            damaged = str(error)
    if damaged:
        raise BundleError(f"{damaged}; there is no other checkpoint: start the run again")
    return None


def _read(path: Path) -> dict[str, Any]:
    """Read a checkpoint.

    Raises:
        DataError: It is damaged.
        BundleError: It has another format.
    """
    for file in (path / STATE, path / TENSORS):
        if not file.is_file():
            raise DataError(f"{file}: missing")
    content = read_json(path / STATE)
    if not isinstance(content, dict) or not {"format", "sha256", "state"} <= content.keys():
        raise DataError(f"{path / STATE}: damaged")
    if content["format"] != FORMAT:
        raise BundleError(
            f"{path / STATE}: checkpoint format {content['format']}; this version reads {FORMAT}: start the run again"
        )
    if sha256(path / TENSORS) != content["sha256"]:
        raise DataError(f"{path / TENSORS}: changed since it was written (checksum differs)")
    return unpack(content["state"], read_tensors(path / TENSORS))
