"""Folders of pictures through a transfer: while one batch is transferred, the next is read and the last one written."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from attrxfer import pictures
from attrxfer.errors import AttrxferError, DataError
from attrxfer.files import write_bytes
from attrxfer.interfaces import Framing

BATCH = 32
AHEAD = 2
"""Batches that are read before they are needed, and written while others are transferred."""
WORKERS = 2


class Transfers(Protocol):
    """What a folder needs of a transfer: a loaded bundle or an exported file."""

    size: int
    framing: Framing | None

    def pictures(self, uint8: NDArray[np.uint8], strength: float = 1.0) -> NDArray[np.uint8]: ...


@dataclass
class Outcome:
    """What became of the files: how many were written, and (path, reason) of the broken ones."""

    written: int = 0
    broken: list[tuple[Path, str]] = field(default_factory=list)


class Loaded(NamedTuple):
    """A batch read: framed pictures with the files they are for, files to copy as they are, broken ones."""

    framed: list[NDArray[np.uint8]]
    names: list[Path]
    copies: list[tuple[Path, Path]]
    broken: list[tuple[Path, str]]


def transfer_files(
    transfer: Transfers,
    sources: Sequence[Path],
    out: Path,
    strength: float = 1.0,
    progress: Callable[[int, int], Any] = lambda done, total: None,
) -> Outcome:
    """Transfer picture files and folders into ``out`` under the same names; broken files are skipped and reported.

    Pictures are framed as the training pictures were and come out at the bundle's size. Pictures below ``out`` itself,
    when it lies inside a given folder, are results and no inputs. At strength 0 a file that needs no
    framing is copied byte for byte. Raises DataError when a path does not exist, AttrxferError when ``out`` would overwrite
    its own input or two files would take one name.
    """
    files = [(source, name) for source, name in pictures.find(sources) if not _is_result(source, sources, out)]
    _refuse_collisions(files, out)
    outcome = Outcome()
    with ThreadPoolExecutor(WORKERS) as pool:
        writing: deque[Future[int]] = deque()
        for loaded in _ahead(pool, transfer, files, strength):
            outcome.broken += loaded.broken
            results = transfer.pictures(np.stack(loaded.framed), strength) if loaded.framed else None
            writing.append(pool.submit(_write, out, loaded, results))
            while len(writing) > AHEAD:
                outcome.written += writing.popleft().result()
                progress(outcome.written + len(outcome.broken), len(files))
        for future in writing:
            outcome.written += future.result()
            progress(outcome.written + len(outcome.broken), len(files))
    return outcome


def _ahead(
    pool: ThreadPoolExecutor, transfer: Transfers, files: Sequence[tuple[Path, Path]], strength: float
) -> Iterator[Loaded]:
    """The batches in order, up to ``AHEAD`` of them read before they are asked for."""
    waiting: deque[Future[Loaded]] = deque()
    for start in range(0, len(files), BATCH):
        waiting.append(pool.submit(_read, transfer, files[start : start + BATCH], strength))
        if len(waiting) > AHEAD:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _read(transfer: Transfers, chunk: Sequence[tuple[Path, Path]], strength: float) -> Loaded:
    loaded = Loaded([], [], [], [])
    for source, name in chunk:
        try:
            image = pictures.open_rgb(source)
        except DataError as error:
            loaded.broken.append((source, str(error).removeprefix(f"{source}: ")))
            continue
        if strength == 0 and image.size == (transfer.size, transfer.size):
            loaded.copies.append((source, name))
        else:
            loaded.framed.append(pictures.frame(image, transfer.framing, transfer.size))
            loaded.names.append(name)
    return loaded


def _write(out: Path, loaded: Loaded, results: NDArray[np.uint8] | None) -> int:
    """How many files were written."""
    for source, name in loaded.copies:
        write_bytes(out / name, source.read_bytes())
    for name, result in zip(loaded.names, results if results is not None else (), strict=True):
        pictures.save(out / name, result)
    return len(loaded.copies) + len(loaded.names)


def _is_result(source: Path, sources: Sequence[Path], out: Path) -> bool:
    """Whether a picture of a given folder lies in ``out`` below it, as those of an earlier transfer do."""
    below = out.resolve()
    return below in source.resolve().parents and any(given.resolve() in below.parents for given in sources)


def _refuse_collisions(files: Sequence[tuple[Path, Path]], out: Path) -> None:
    taken: dict[Path, Path] = {}
    inputs = {source.resolve(): source for source, _ in files}
    for source, name in files:
        target = (out / name).resolve()
        if target in inputs:
            raise AttrxferError(f"{inputs[target]}: the result would overwrite it; choose another folder with -o")
        if target in taken:
            raise AttrxferError(f"{source} and {taken[target]} would both be written to {out / name}; transfer them apart")
        taken[target] = source
