"""Folders of images: while one is transferred, the next are read and the last ones written."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from attrxfer.errors import AttrxferError, DataError
from attrxfer.media.images import find_images
from attrxfer.storage.files import copy

AHEAD = 2
"""Batches that are read before they are needed, and written while others are transferred."""
WORKERS = 2


class Skipped(DataError):
    """A sound file with nothing to change in it, and why."""


class FileProcessor(Protocol):
    """What is done with image files. batch: how many are changed at once. ``read`` and ``write`` are called from several
    threads, ``change`` from one."""

    batch_size: int

    def read(self, path: Path) -> Any:
        """A file, ready to be changed; None when it shall be copied. Raises Left, or DataError when it is broken."""
        ...

    def change(self, items: Sequence[Any]) -> Sequence[Any]:
        """What was read of some files, changed."""
        ...

    def write(self, path: Path, item: Any) -> Result:
        """Write what was changed. Raises DataError when it cannot be written in its format."""
        ...


class Result(NamedTuple):
    """What a work says of a file it wrote: how many subjects it changed, their boxes (left, top, right, bottom), notes."""

    boxes: Sequence[tuple[int, int, int, int]] = ()
    notes: Sequence[str] = ()


class FileResult(NamedTuple):
    """What became of a file. outcome: "changed", "copied" (as it was, wanted or for ``reason``), "left" (nothing written,
    for ``reason``), "broken" or "there" (written earlier). name: of the result below the output folder."""

    source: Path
    name: Path
    outcome: str
    reason: str = ""
    result: Result = Result()


@dataclass(frozen=True)
class BatchOptions:
    """Which files, and how. skip_existing: leave out those whose result is there. shard: (i, n), the i-th of n parts, from
    1. copy_left: copy files with nothing to change."""

    skip_existing: bool = False
    shard: tuple[int, int] = (1, 1)
    copy_left: bool = False


@dataclass
class BatchResult:
    """What became of the files, in their order."""

    entries: list[FileResult] = field(default_factory=list)

    def those(self, *outcomes: str) -> list[FileResult]:
        return [entry for entry in self.entries if entry.outcome in outcomes]

    @property
    def written(self) -> int:
        """Files that are in the output folder now and were not copied for want of something to change."""
        return sum(entry.outcome == "changed" or (entry.outcome == "copied" and not entry.reason) for entry in self.entries)


Progress = Callable[[FileResult, int, int], Any]
"""Gets what became of a file, how many are done, and how many there are."""


def transfer_files(
    work: FileProcessor,
    sources: Sequence[Path],
    out: Path,
    order: BatchOptions | None = None,
    progress: Progress = lambda entry, done, total: None,
) -> BatchResult:
    """Do a work on image files and folders, into ``out`` under the same names; broken files are skipped and reported.

    Images below ``out`` itself, when it lies inside a given folder, are results and no inputs. Every file is written
    whole or not at all, so that an interrupted transfer goes on with ``skip_existing``. Raises DataError when a path does
    not exist, AttrxferError when ``out`` would overwrite its own input or two files would take one name.
    """
    order = order or BatchOptions()
    files = [(source, name) for source, name in find_images(sources) if not is_result(source, sources, out)]
    refuse_collisions(files, out)
    part, parts = order.shard
    files = files[part - 1 :: parts]
    outcome = BatchResult()

    def done(entries: Sequence[FileResult]) -> None:
        for entry in entries:
            outcome.entries.append(entry)
            progress(entry, len(outcome.entries), len(files))

    with ThreadPoolExecutor(WORKERS) as pool:
        writing: deque[Future[list[FileResult]]] = deque()
        for chunk in _ahead(pool, work, files, out, order):
            ready = [place for place, (_, item) in enumerate(chunk) if item is not None]
            changed = dict(zip(ready, work.change([chunk[place][1] for place in ready]), strict=True)) if ready else {}
            writing.append(pool.submit(_write, work, out, [(entry, changed.get(i)) for i, (entry, _) in enumerate(chunk)]))
            while len(writing) > AHEAD:
                done(writing.popleft().result())
        for future in writing:
            done(future.result())
    return outcome


Chunk = list[tuple[FileResult, Any]]
"""What shall become of each file, and what to change of it."""


def _ahead(pool: ThreadPoolExecutor, work: FileProcessor, files: Any, out: Path, order: BatchOptions) -> Iterator[Chunk]:
    """The batches in order, up to ``AHEAD`` of them read before they are asked for."""
    waiting: deque[Future[Chunk]] = deque()
    for start in range(0, len(files), work.batch_size):
        waiting.append(pool.submit(_read, work, files[start : start + work.batch_size], out, order))
        if len(waiting) > AHEAD:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _read(work: FileProcessor, files: Sequence[tuple[Path, Path]], out: Path, order: BatchOptions) -> Chunk:
    return [_read_one(work, source, name, out, order) for source, name in files]


def _read_one(work: FileProcessor, source: Path, name: Path, out: Path, order: BatchOptions) -> tuple[FileResult, Any]:
    if order.skip_existing and (out / name).exists():
        return FileResult(source, name, "there"), None
    try:
        item = work.read(source)
    except Skipped as error:
        return FileResult(source, name, "copied" if order.copy_left else "left", _reason(error, source)), None
    except DataError as error:
        return FileResult(source, name, "broken", _reason(error, source)), None
    return FileResult(source, name, "copied" if item is None else "changed"), item


def _reason(error: DataError, source: Path) -> str:
    return str(error).removeprefix(f"{source}: ")


def _write(work: FileProcessor, out: Path, chunk: Chunk) -> list[FileResult]:
    entries = []
    for entry, changed in chunk:
        if entry.outcome == "copied":
            copy(entry.source, out / entry.name)
        elif entry.outcome == "changed":
            try:
                entry = entry._replace(result=work.write(out / entry.name, changed))
            except DataError as error:
                entry = entry._replace(outcome="broken", reason=_reason(error, entry.source))
        entries.append(entry)
    return entries


def is_result(source: Path, sources: Sequence[Path], out: Path) -> bool:
    """Whether an image of a given folder lies in ``out`` below it, as those of an earlier transfer do."""
    below = out.resolve()
    return below in source.resolve().parents and any(given.resolve() in below.parents for given in sources)


def refuse_collisions(files: Sequence[tuple[Path, Path]], out: Path) -> None:
    taken: dict[Path, Path] = {}
    inputs = {source.resolve(): source for source, _ in files}
    for source, name in files:
        target = (out / name).resolve()
        if target in inputs:
            raise AttrxferError(f"{inputs[target]}: the result would overwrite it; choose another folder with -o")
        if target in taken:
            raise AttrxferError(f"{source} and {taken[target]} would both be written to {out / name}; transfer them apart")
        taken[target] = source
