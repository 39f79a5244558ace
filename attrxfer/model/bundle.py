"""A bundle is the trained model: a folder with weights and with metadata to use and compare them. Nothing is pickled.

torch, whose import takes seconds, is imported only where networks are written or built.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from attrxfer.errors import BundleError, Problem, did_you_mean
from attrxfer.media.tiles import MOST
from attrxfer.model.attribute_regression import AttributeRegression
from attrxfer.model.response import Response
from attrxfer.model.texture import Texture, is_row
from attrxfer.plugin.parameters import Spec, build, check
from attrxfer.plugin.registry import Registry
from attrxfer.storage.files import is_file_name, new_folder, sha256, write_text

if TYPE_CHECKING:
    from torch import Tensor, nn

FORMAT = 2
WEIGHTS, METADATA = "model.safetensors", "attrxfer.json"
PARTS = {
    "sha256": dict,
    "chain": list,
    "task": dict,
    "size": int,
    "recipe": dict,
    "plugins": dict,
    "licences": list,
    "scores": dict,
}
"""What attrxfer.json holds at least, besides its format."""


@dataclass(frozen=True, repr=False)
class Bundle:
    """A bundle whose networks are loaded.

    Attributes:
        path: Its folder.
        metadata: The content of attrxfer.json.
        chain: The networks in their order, on the CPU and in eval mode: a generator (image -> image), then enhancers
            ((image, source) -> image).
    """

    path: Path
    metadata: Mapping[str, Any]
    chain: tuple[nn.Module, ...]

    def __repr__(self) -> str:
        chain = " -> ".join(step["use"] for step in self.metadata["chain"])
        return f"Bundle({str(self.path)!r}, {self.metadata['task']['name']}, {self.metadata['size']} px, {chain})"


def save(path: Path, chain: Sequence[tuple[Spec, nn.Module]], metadata: Mapping[str, Any]) -> None:
    """Write a bundle atomically.

    Args:
        path: Its folder.
        chain: The networks in their order, each with its settings.
        metadata: What the run knows: recipe, task, size, framing, alignment (mean landmarks of the training images,
            [[x, y], ...] in pixels of ``size``, or null), plugins, licences, scores.
    """
    from safetensors.torch import save_file

    tensors: dict[str, Tensor] = {}
    for number, (_, network) in enumerate(chain):
        for name, tensor in network.state_dict().items():
            tensors[f"{number}.{name}"] = tensor.detach().cpu().clone().contiguous()
    with new_folder(path) as folder:
        save_file(tensors, folder / WEIGHTS)
        steps = [{"kind": spec.kind, **spec.table()} for spec, _ in chain]
        content = {"format": FORMAT, "sha256": {WEIGHTS: sha256(folder / WEIGHTS)}, "chain": steps, **metadata}
        (folder / METADATA).write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def add_scores(path: Path, scores: Mapping[str, Any], response: Mapping[str, Any] | None = None) -> None:
    """Write scores into a bundle's metadata.

    Args:
        path: The bundle.
        scores: {"images", "people", "scores": {label: {value, low, high, n, ...}}}; a packed bundle has "slices":
            {group: {label: score}} too.
        response: A ``Response`` as JSON takes it; None where it was not measured.
    """
    metadata = {**read_metadata(path), "scores": dict(scores), "response": response}
    write_text(path / METADATA, json.dumps(metadata, indent=2, ensure_ascii=False) + "\n")


def is_there(path: Path) -> bool:
    """Whether this is a bundle or the folder of a finished run."""
    return any((candidate / METADATA).is_file() for candidate in (path, path / "bundle"))


def find(path: Path) -> Path:
    """The folder of a bundle.

    Args:
        path: A bundle, or the folder of a finished run.

    Raises:
        BundleError: It is neither.
    """
    for candidate in (path, path / "bundle"):
        if (candidate / METADATA).is_file():
            return candidate
    if (path / "recipe.toml").is_file():
        raise BundleError(f"{path}: this run is not finished; finish it with: attrxfer run --resume {path}")
    if not path.exists():
        others = path.parent.iterdir() if path.parent.is_dir() else ()
        raise BundleError(
            f"{path}: no such folder{did_you_mean(str(path), [str(other) for other in others if is_there(other)])}"
        )
    raise BundleError(f"{path}: no {METADATA} here, so this is neither a bundle nor a finished run")


def read_metadata(path: Path) -> dict[str, Any]:
    """The content of a bundle's attrxfer.json.

    Raises:
        BundleError: It is damaged, or has another format.
    """
    try:
        metadata = json.loads((path / METADATA).read_text())
    except ValueError as error:
        raise BundleError(f"{path / METADATA}: damaged ({error})") from None
    check_format(path / METADATA, metadata, "bundle", "train it again")
    part = damaged(metadata)
    if part is not None:
        raise BundleError(f"{path / METADATA}: damaged ({part} is missing or not what it should be)")
    return metadata


def check_format(path: Path, metadata: object, what: str, remedy: str) -> None:
    """Refuse metadata of another format than ``FORMAT``.

    Args:
        path: The file, for the message.
        metadata: Its metadata, as JSON gave them.
        what: What the file is, for example "bundle".
        remedy: What to do with an older one.

    Raises:
        BundleError: Its format is an older one, another one, or not stated.
    """
    stated = metadata.get("format") if isinstance(metadata, Mapping) else None
    if stated == 1:
        raise BundleError(f"{path}: {what} of format 1; this version reads format {FORMAT}: {remedy}")
    if stated != FORMAT:
        raise BundleError(f"{path}: not a {what} of format {FORMAT}; it may need another version of attrxfer")


def damaged(metadata: Mapping[str, Any], parts: Mapping[str, type] = PARTS) -> str | None:
    """The first part of metadata that is missing or not what it should be; None where all are sound.

    A bundle may come from anywhere: the task's name becomes part of file names, so it is checked too.

    Args:
        metadata: The content of attrxfer.json, or of an exported file.
        parts: The parts that must be there, with their type.
    """
    wrong = [name for name, kind in parts.items() if not isinstance(metadata.get(name), kind)]
    if wrong:
        return wrong[0]
    task, framing, alignment = metadata["task"], metadata.get("framing"), metadata.get("alignment")
    sound = {
        "task.name": isinstance(task.get("name"), str) and is_file_name(task["name"]),
        "task.guided": isinstance(task.get("guided"), dict) and bool(task["guided"]),
        "chain": all(isinstance(step, dict) and {"kind", "use"} <= step.keys() for step in metadata["chain"]),
        "size": metadata["size"] > 0,
        "licences": all(isinstance(licence, str) for licence in metadata["licences"]),
        "framing": framing is None
        or (isinstance(framing, dict) and _numbers(framing.get("source"), 2) and _numbers(framing.get("crop"), 4)),
        "alignment": alignment is None or (isinstance(alignment, list) and all(_numbers(point, 2) for point in alignment)),
        "texture": metadata.get("texture") is None or Texture.is_sound(metadata["texture"]),
        "attribute": metadata.get("attribute") is None or AttributeRegression.is_sound(metadata["attribute"]),
        "response": metadata.get("response") is None or Response.is_sound(metadata["response"]),
        "reach": metadata.get("reach") is None or metadata["reach"] in range(MOST + 1),
    }
    return next((name for name, is_sound in sound.items() if not is_sound), None)


def _numbers(value: Any, count: int) -> bool:
    return is_row(value) and len(value) == count


def read_alignment(metadata: Mapping[str, Any]) -> NDArray[np.float32] | None:
    """The mean landmarks (P, 2) of the training images in pixels of ``size``; None where these had none."""
    alignment = metadata.get("alignment")
    return None if alignment is None else np.array(alignment, np.float32)


def verify(path: Path, metadata: Mapping[str, Any]) -> None:
    """Compare the files of a bundle with the checksums in its metadata.

    Raises:
        BundleError: A file is missing or was changed.
    """
    if WEIGHTS not in metadata["sha256"]:
        raise BundleError(f"{path / METADATA}: damaged (no checksum of {WEIGHTS})")
    for name, digest in metadata["sha256"].items():
        file = path / name
        if not file.is_file():
            raise BundleError(f"{file}: missing")
        if sha256(file) != digest:
            raise BundleError(f"{file}: changed since the bundle was made (checksum differs)")


def differences(metadata: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """``changes`` with the values as text."""
    from attrxfer import recipe

    return [(key, recipe.shown(here), recipe.shown(there)) for key, here, there in changes(metadata)]


def changes(metadata: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """The settings in which a bundle's recipe differs from its reference.

    Returns:
        (setting, value here, value in the reference) each; empty where the recipe names no reference.

    Raises:
        AttrxferError: The reference, or a component that it names, is not installed.
    """
    from attrxfer import recipe
    from attrxfer.plugin.host import load as load_host

    reference = metadata["recipe"].get("reference")
    if reference is None:
        return []
    return recipe.differences(metadata["recipe"], recipe.load(reference, load_host()).filled())


def load(path: Path, registry: Registry) -> Bundle:
    """Read a bundle and build its networks.

    Args:
        path: A bundle, or the folder of a finished run.
        registry: The components.

    Raises:
        BundleError: A file is missing, was changed, or does not fit the networks.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = find(path)
    metadata = read_metadata(path)
    verify(path, metadata)
    try:
        tensors = load_file(path / WEIGHTS)
    except SafetensorError as error:
        raise BundleError(f"{path / WEIGHTS}: damaged ({error})") from None
    chain = tuple(_network(path, number, step, tensors, registry) for number, step in enumerate(metadata["chain"]))
    return Bundle(path, metadata, chain)


def _network(path: Path, number: int, step: Mapping[str, Any], tensors: Mapping[str, Tensor], registry: Registry) -> nn.Module:
    from torch import nn

    table = {key: value for key, value in step.items() if key != "kind"}
    spec, problems = check(step["kind"], table, registry, path=f"chain[{number}]", shared={})
    if spec is None or problems:
        raise BundleError("\n".join(f"{path / METADATA}: {problem}" for problem in problems or [Problem("", "empty chain")]))
    network = build(spec, {})
    assert isinstance(network, nn.Module)
    prefix = f"{number}."
    try:
        network.load_state_dict({k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)})
    except RuntimeError as error:
        first = str(error).splitlines()[-1].strip()
        raise BundleError(f"{path / WEIGHTS}: does not fit {step['kind']} {step['use']}: {first}") from None
    return network.eval().requires_grad_(False)
