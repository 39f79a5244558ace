"""A bundle is the trained model: a folder with weights and with metadata to use and compare them. Nothing is pickled.

torch, whose import takes seconds, is imported only where networks are written or built.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from attrxfer.errors import AttrxferError, BundleError, UnknownName, did_you_mean, in_a_line
from attrxfer.model.card import FORMAT, METADATA, WEIGHTS, read_card
from attrxfer.plugin.parameters import Spec, build, check
from attrxfer.plugin.registry import Registry
from attrxfer.storage.files import new_folder, sha256, write_tensors, write_text

if TYPE_CHECKING:
    from torch import Tensor, nn

ROOM, SPARE = 4, 1_000
"""A network is refused where building it takes more than ROOM times what its weights hold, and SPARE more."""
LONGEST_REASON = 200
"""Characters of what torch says of networks that do not fit, at most."""


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
    tensors: dict[str, Tensor] = {}
    for number, (_, network) in enumerate(chain):
        for name, tensor in network.state_dict().items():
            tensors[f"{number}.{name}"] = tensor.detach().cpu().clone().contiguous()
    with new_folder(path) as folder:
        write_tensors(folder / WEIGHTS, tensors)
        steps = [{"kind": spec.kind, **spec.table()} for spec, _ in chain]
        content = {"format": FORMAT, "sha256": {WEIGHTS: sha256(folder / WEIGHTS)}, "chain": steps, **metadata}
        (folder / METADATA).write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


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
    return read_card(path / METADATA)


def read_alignment(metadata: Mapping[str, Any]) -> NDArray[np.float32] | None:
    """The mean landmarks (P, 2) of the training images in pixels of ``size``; None where these had none."""
    alignment = metadata.get("alignment")
    return None if alignment is None else np.array(alignment, np.float32)


def verify(path: Path, metadata: Mapping[str, Any]) -> None:
    """Compare the files of a bundle with the checksums in its metadata.

    Raises:
        BundleError: A file is missing or was changed.
    """
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
    host = load_host()
    if reference not in host.recipes():  # a stranger's bundle may name any file of this machine
        raise UnknownName(f'no recipe "{reference}"')
    return recipe.differences(metadata["recipe"], recipe.load(reference, host).filled())


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
    except (SafetensorError, ValueError, KeyError, RuntimeError) as error:
        raise BundleError(f"{path / WEIGHTS}: damaged ({in_a_line(error)})") from None
    chain = tuple(_network(path, number, step, tensors, registry) for number, step in enumerate(metadata["chain"]))
    return Bundle(path, metadata, chain)


def _network(path: Path, number: int, step: Mapping[str, Any], tensors: Mapping[str, Tensor], registry: Registry) -> nn.Module:
    table = {key: value for key, value in step.items() if key != "kind"}
    spec, problems = check(step["kind"], table, registry, path=f"chain[{number}]", shared={})
    if spec is None:
        raise BundleError(f"{path / METADATA}: {problems[0]}")
    prefix = f"{number}."
    own = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
    try:
        _try_without_memory(spec, own)
        return _filled(spec, own).eval().requires_grad_(False)
    except AttrxferError:
        raise
    except Exception as error:  # what a network raises for settings that do not go together
        reason = shorten((str(error).splitlines() or [type(error).__name__])[-1], LONGEST_REASON, placeholder=" ...")
        raise BundleError(f"{path / WEIGHTS}: does not fit {step['kind']} {step['use']}: {reason}") from None


def _try_without_memory(spec: Spec, tensors: Mapping[str, Tensor]) -> None:
    """Build a network on torch's meta device, whose tensors have a shape only, so that no card takes memory or time that its
    weights do not justify.

    Raises:
        RuntimeError: The network has other tensors than these, or many more.
    """
    import torch
    from torch.nn.modules.module import register_module_parameter_registration_hook

    numbers = ROOM * sum(tensor.numel() for tensor in tensors.values()) + SPARE
    count = ROOM * len(tensors) + SPARE
    registered = 0

    def stop(module: nn.Module, name: str, parameter: nn.Parameter | None) -> None:
        nonlocal registered
        registered += 1
        if registered > count:
            raise RuntimeError("its settings make a network of many more layers")

    hook = register_module_parameter_registration_hook(stop)
    try:
        with torch.device("meta"):
            network = _filled(spec, {name: torch.empty_like(tensor, device="meta") for name, tensor in tensors.items()})
    finally:
        hook.remove()
    if sum(tensor.numel() for tensor in (*network.parameters(), *network.buffers())) > numbers:
        raise RuntimeError("its settings make a much larger network")


def _filled(spec: Spec, tensors: Mapping[str, Tensor]) -> nn.Module:
    """A network of these settings, with these tensors as its state.

    Raises:
        RuntimeError: They do not fit.
    """
    from torch import nn

    network = build(spec, {})
    if not isinstance(network, nn.Module):
        raise RuntimeError("no network")
    network.load_state_dict(dict(tensors))
    return network
