"""What is known of a model without building its networks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrxfer.errors import AttrxferError
from attrxfer.interfaces import ACCURACY, MATCHED
from attrxfer.model.bundle import changes, read_metadata
from attrxfer.model.loading import locate, metadata_at
from attrxfer.model.response import Response
from attrxfer.plugin.host import Host
from attrxfer.recipe import in_short
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
    path = locate(path_or_name, host)
    if isinstance(path, str):
        component = host.registry.get("method", path)
        return [("method", component.name), ("summary", component.summary), ("licence", component.licence)]
    metadata = metadata_at(path, host)
    return [
        ("file" if path.is_file() else "bundle", str(path)),
        ("task", f"{metadata['task']['name']}: {conditions(metadata['task']['guided'])}"),
        *_can_change(metadata),
        ("size", f"{metadata['size']} px"),
        ("chain", " -> ".join(f"{step['kind']} {step['use']}" for step in metadata["chain"])),
        ("trained on", metadata["recipe"]["data"]["use"]),
        ("plugins", ", ".join(f"{name} {version}" for name, version in metadata["plugins"].items())),
        ("licences", "; ".join(metadata["licences"])),
        *(("weights", digest) for digest in metadata["sha256"].values()),
        *((f"weights of {name}", digest) for name, digest in (metadata.get("weights") or {}).items()),
        *_reference(path, metadata),
        *_attribute(metadata),
        *_response(metadata),
        *((f"score: {name}", cell(score)) for name, score in metadata.get("scores", {}).get("scores", {}).items()),
    ]


def known(path_or_name: str, host: Host) -> dict[str, Any]:
    """All that a model knows of itself: "path" and its metadata; of a method "method", "summary" and "licence".

    Args:
        path_or_name: What ``load_model`` opens.
        host: The plugins.

    Raises:
        AttrxferError: There is no such model, or it cannot be read.
    """
    path = locate(path_or_name, host)
    return dict(facts(path_or_name, host)) if isinstance(path, str) else {"path": str(path), **metadata_at(path, host)}


def _attribute(metadata: Mapping[str, Any]) -> Facts:
    """How well the model tells which images have the attribute already."""
    known = metadata.get("attribute")
    return (
        [] if known is None else [("has the attribute already", f"told rightly of {known['accuracy']:.0%} of held-out images")]
    )


def _can_change(metadata: Mapping[str, Any]) -> Facts:
    """The attributes of a generator that is told what to change."""
    attributes = metadata["chain"][0].get("attributes") if metadata["chain"] else None
    if not isinstance(attributes, list) or not all(isinstance(name, str) for name in attributes):
        return []  # a stranger's bundle may say anything; loading it would refuse it
    return [("can change", f"{', '.join(attributes)} (transfer --attribute NAME=true)")]


def _response(metadata: Mapping[str, Any]) -> Facts:
    """The strengths at which a quarter, half and three quarters of the way is made."""
    response = Response.read(metadata.get("response"))
    if response is None:
        return []
    return [("strengths", ", ".join(f"{part:.0%} is {response.strength_at(part):.3g}" for part in (0.25, 0.5, 0.75)))]


def shipped(host: Host) -> list[dict[str, Any]]:
    """The models that plugins ship: name, path, guided attributes, size, licences and scores of each; torch is not imported.

    Args:
        host: The plugins.

    Raises:
        AttrxferError: A plugin ships something that is no bundle.
    """
    found = {name: (path, read_metadata(path)) for name, path in host.models().items()}
    return [
        {
            "model": name,
            "path": str(path),
            "guided": metadata["task"]["guided"],
            "size": metadata["size"],
            "licences": metadata["licences"],
            "scores": metadata["scores"].get("scores", {}),
        }
        for name, (path, metadata) in found.items()
    ]


def shipped_models(host: Host) -> list[tuple[str, ...]]:
    """The models that plugins ship, as a table: a head, then a row a model; torch is not imported.

    Args:
        host: The plugins.

    Raises:
        AttrxferError: A plugin ships something that is no bundle.
    """
    rows: list[tuple[str, ...]] = [("MODEL", "TASK", "SIZE", "ATTRIBUTE ACCURACY", "AT EQUAL VERIFICATION", "LICENCES")]
    for one in shipped(host):
        scores = one["scores"].values()
        accuracies = [
            next((cell(score) for score in scores if score.get("role") == role), "not scored") for role in (ACCURACY, MATCHED)
        ]
        rows.append((one["model"], conditions(one["guided"]), f"{one['size']} px", *accuracies, "; ".join(one["licences"])))
    return rows


def _reference(path: Path, metadata: Mapping[str, Any]) -> Facts:
    """The recipe that the model's own stands for, and in what they differ; nothing where it stands for none."""
    reference = metadata["recipe"].get("reference")
    if reference is None:
        return []
    recipe = path.parent / "recipe.toml"  # a bundle alone, fetched from somewhere, has none beside it
    command = f"; all: attrxfer recipe diff {recipe}" if recipe.is_file() else ""
    try:
        changed = in_short(changes(metadata))
    except AttrxferError:  # the reference, or a component that it names, is not installed here
        return [("reference", f"{reference}{command}")]
    return [("reference", reference), ("differs from it", f"{changed or 'in nothing'}{command}")]
