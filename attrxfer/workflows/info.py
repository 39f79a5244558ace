"""What is known of a model without building its networks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrxfer.model import exported
from attrxfer.model.bundle import find, read_metadata
from attrxfer.model.loading import unknown
from attrxfer.plugin.host import Host
from attrxfer.report.markdown import conditions
from attrxfer.report.score_text import cell

Facts = list[tuple[str, str]]


def facts(path_or_name: str, host: Host) -> Facts:
    """What a model is, as (name, value); torch is not imported.

    Args:
        path_or_name: What ``load_model`` opens.
        host: The plugins.

    Raises:
        AttrxferError: There is no such model, or it cannot be read.
    """
    path = Path(path_or_name)
    if path.is_file():
        metadata = exported.open_file(path, host.registry).metadata
        return [("file", str(path)), *_task(metadata), *_origin(metadata)]
    if path.is_dir():
        return _bundle(path)
    if path_or_name in host.registry.names("method"):
        component = host.registry.get("method", path_or_name)
        return [("method", component.name), ("summary", component.summary), ("licence", component.licence)]
    shipped = host.models()
    if path_or_name not in shipped:
        raise unknown(path_or_name, host)
    return _bundle(shipped[path_or_name])


def _bundle(path: Path) -> Facts:
    path = find(path)
    metadata = read_metadata(path)
    rows = [("bundle", str(path)), *_task(metadata), ("trained on", metadata["recipe"]["data"]["use"]), *_origin(metadata)]
    rows.append(("weights", metadata["sha256"]["model.safetensors"]))
    reference = metadata["recipe"].get("reference")
    if reference is not None:
        recipe = path.parent / "recipe.toml"  # a bundle alone, fetched from somewhere, has none beside it
        command = f"; differences: attrxfer recipe diff {recipe}" if recipe.is_file() else ""
        rows.append(("reference", f"{reference}{command}"))
    return [*rows, *((f"score: {name}", cell(score)) for name, score in metadata["scores"].get("scores", {}).items())]


def _task(metadata: Mapping[str, Any]) -> Facts:
    return [
        ("task", f"{metadata['task']['name']}: {conditions(metadata['task']['guided'])}"),
        ("size", f"{metadata['size']} px"),
        ("chain", " -> ".join(f"{step['kind']} {step['use']}" for step in metadata["chain"])),
    ]


def _origin(metadata: Mapping[str, Any]) -> Facts:
    return [
        ("plugins", ", ".join(f"{name} {version}" for name, version in metadata["plugins"].items())),
        ("licences", "; ".join(metadata["licences"])),
    ]
