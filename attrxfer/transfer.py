"""A loaded bundle: pictures in, pictures out, with a strength."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from attrxfer import bundle as bundles
from attrxfer import pictures
from attrxfer.bundle import Bundle
from attrxfer.errors import AttrxferError, DataError
from attrxfer.host import load as load_host
from attrxfer.interfaces import Framing

BATCH = 32


def to_images(uint8: NDArray[np.uint8]) -> Tensor:
    """Pictures uint8 (N, S, S, 3) -> float32 (N, 3, S, S) in -1..1, channels last in memory."""
    return torch.from_numpy(np.ascontiguousarray(uint8)).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def to_uint8(images: Tensor) -> NDArray[np.uint8]:
    """Pictures (N, 3, S, S) in -1..1 -> uint8 (N, S, S, 3); the inverse of ``to_images``."""
    scaled = ((images.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return scaled.permute(0, 2, 3, 1).contiguous().cpu().numpy()


class Transfer:
    """A bundle ready to use.

    size: the side in pixels the bundle was trained at (the networks also take other sizes divisible by 16).
    guided: the attributes that results have. card: all the bundle knows of itself.
    """

    def __init__(self, bundle: Bundle, device: str | torch.device = "cpu") -> None:
        self.card = bundle.card
        self.path = bundle.path
        self.size: int = bundle.card["size"]
        self.guided: dict[str, bool] = bundle.card["task"]["guided"]
        framing = bundle.card["framing"]
        self.framing = Framing(tuple(framing["source"]), tuple(framing["crop"])) if framing else None
        self.device = torch.device(device)
        self._chain = [network.to(self.device, memory_format=torch.channels_last) for network in bundle.chain]  # type: ignore[call-overload]

    @torch.no_grad()
    def __call__(self, images: Tensor, strength: float = 1.0) -> Tensor:
        """x + strength * (chain(x) - x), clipped to -1..1, for images (N, 3, S, S) in -1..1.

        Strength 0 returns the images themselves, 1 the trained transfer; above 1 exaggerates.
        """
        if strength == 0:
            return images
        source = images.to(self.device)
        generator, *enhancers = self._chain
        picture = generator(source)
        for enhancer in enhancers:
            picture = enhancer(picture, source)
        picture = picture.float()
        return picture.clamp(-1, 1) if strength == 1 else torch.lerp(source, picture, strength).clamp(-1, 1)

    def parameters(self) -> int:
        """How many numbers its networks have learned."""
        return sum(parameter.numel() for network in self._chain for parameter in network.parameters())

    def pictures(self, uint8: NDArray[np.uint8], strength: float = 1.0) -> NDArray[np.uint8]:
        """The same for uint8 pictures (N, S, S, 3), in batches of 32."""
        if strength == 0 or not len(uint8):
            return uint8
        parts = [to_uint8(self(to_images(uint8[i : i + BATCH]), strength)) for i in range(0, len(uint8), BATCH)]
        return np.concatenate(parts)


def load(path: str | Path, device: str | torch.device = "cpu") -> Transfer:
    """Load a bundle, or the folder of a finished run. Raises BundleError when it is incomplete or was changed."""
    return Transfer(bundles.load(Path(path), load_host().registry), device)


@dataclass
class Outcome:
    """What became of the files: how many were written, and (path, reason) of the broken ones."""

    written: int = 0
    broken: list[tuple[Path, str]] = field(default_factory=list)


def transfer_files(
    transfer: Transfer,
    sources: Sequence[Path],
    out: Path,
    strength: float = 1.0,
    progress: Callable[[int, int], Any] = lambda done, total: None,
) -> Outcome:
    """Transfer picture files and folders into ``out`` under the same names; broken files are skipped and reported.

    Pictures are framed as the training pictures were and come out at the bundle's size. At strength 0 a file that needs no
    framing is copied byte for byte. Raises DataError when a path does not exist, AttrxferError when ``out`` would overwrite
    its own input or two files would take one name.
    """
    files = list(pictures.find(sources))
    _refuse_collisions(files, out)
    outcome = Outcome()
    queue = iter(files)
    while chunk := list(islice(queue, BATCH)):
        _transfer_chunk(transfer, chunk, out, strength, outcome)
        progress(outcome.written + len(outcome.broken), len(files))
    return outcome


def _refuse_collisions(files: Sequence[tuple[Path, Path]], out: Path) -> None:
    taken: dict[Path, Path] = {}
    for source, name in files:
        target = (out / name).resolve()
        if target == source.resolve():
            raise AttrxferError(f"{source}: the result would overwrite it; choose another folder with -o")
        if target in taken:
            raise AttrxferError(f"{source} and {taken[target]} would both be written to {out / name}; transfer them apart")
        taken[target] = source


def _transfer_chunk(
    transfer: Transfer, chunk: Sequence[tuple[Path, Path]], out: Path, strength: float, outcome: Outcome
) -> None:
    framed: list[NDArray[np.uint8]] = []
    kept: list[tuple[Path, Path]] = []
    for source, name in chunk:
        try:
            image = pictures.open_rgb(source)
        except DataError as error:
            outcome.broken.append((source, str(error).removeprefix(f"{source}: ")))
            continue
        if strength == 0 and image.size == (transfer.size, transfer.size):
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, out / name)
            outcome.written += 1
            continue
        framed.append(pictures.frame(image, transfer.framing, transfer.size))
        kept.append((source, name))
    if framed:
        for (_, name), result in zip(kept, transfer.pictures(np.stack(framed), strength), strict=True):
            pictures.save(out / name, result)
            outcome.written += 1
