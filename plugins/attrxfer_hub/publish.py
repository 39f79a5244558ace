"""What of a bundle leaves the machine: its own files and a model card, without the paths of whoever trained it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrxfer.model.bundle import METADATA, WEIGHTS

README = "README.md"
BELOW_A_FOLDER = re.compile(r"/|~|\.\.?[/\\]|[A-Za-z]:[/\\]|\\\\|file:")
"""How a text begins that says where something lies on somebody's machine."""
SEPARATOR = re.compile(r"[/\\]")


def without_paths(card: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """attrxfer.json as it may leave the machine, and what was cut: {key: what is left of its path}.

    A path is every text that begins as one (absolute, below the home folder, relative to a folder), and every text of
    more than one part under the key ``path``. Of each the last part is left. Checksums are of the weights: they stay right.

    >>> without_paths({"recipe": {"data": {"use": "celeba", "path": "/home/me/celeba"}, "reference": "paper/diat"}})[1]
    {'recipe.data.path': 'celeba'}
    """
    cut: dict[str, str] = {}
    return _cut(card, (), cut), cut


def _cut(value: Any, place: tuple[str, ...], cut: dict[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _cut(inner, (*place, key), cut) for key, inner in value.items()}
    if isinstance(value, list):
        return [_cut(inner, (*place, str(number)), cut) for number, inner in enumerate(value)]
    if isinstance(value, str) and (BELOW_A_FOLDER.match(value) or (place[-1] == "path" and SEPARATOR.search(value))):
        cut[".".join(place)] = SEPARATOR.split(value.rstrip("/\\"))[-1]
        return cut[".".join(place)]
    return value


def stage(bundle: Path, card: Mapping[str, Any], readme: str, folder: Path) -> None:
    """Lay out in ``folder`` what is uploaded: nothing but these three files, whatever else lies beside the bundle."""
    (folder / METADATA).write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / README).write_text(readme, encoding="utf-8")
    shutil.copyfile(bundle / WEIGHTS, folder / WEIGHTS)
