"""Files through a transfer: one pipeline for images and videos."""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple, Protocol, TypeVar

from attrxfer.errors import AttrxferError, DataError, in_a_line
from attrxfer.media.buckets import Place
from attrxfer.media.files import FileTask, LocalTask
from attrxfer.media.transport import Transport, results_there
from attrxfer.storage.files import copy, is_full_disk

Outcome = Literal["changed", "copied", "left", "broken", "there"]
"""changed: written. copied: as it was, on purpose or for a reason. left: nothing written, for a reason. broken: could not be
read or written. there: written earlier."""


class Skipped(DataError):
    """A sound file in which there is nothing to change; the message says why."""


@dataclass(frozen=True)
class Written:
    """What a processor wrote.

    Attributes:
        subjects: How many subjects were changed; in a video, how many were tracked.
        boxes: Their bounding boxes (left, top, right, bottom) in pixels of the upright image; empty for a video.
        notes: How the result differs in form from the input, in words.
        frames: Frames of a video; 0 for an image.
        seconds: Time that a video took; 0 for an image.
    """

    subjects: int = 0
    boxes: Sequence[tuple[int, int, int, int]] = ()
    notes: Sequence[str] = ()
    frames: int = 0
    seconds: float = 0.0


Answer = Written | DataError | None
"""What a processor did with a file: it wrote the result; it wrote nothing, because there is nothing to change (Skipped) or the
file is broken (another DataError); None: the file is to be copied as it is."""

Made = TypeVar("Made")


def attempt(path: Place, make: Callable[[], Made]) -> Made | DataError:
    """Do one file's work. Whatever goes wrong with it, an error of the system, of a library or of the file itself, is the
    outcome of this file, and the other files go on. Only a full disk ends a job (and Ctrl-C, which is no such error), and a
    model or detector that refuses all files.

    Args:
        path: The file.
        make: Its work.

    Returns:
        What ``make`` returns; a DataError that says why it failed.

    Raises:
        OSError: The disk is full.
        AttrxferError: A refusal that is not the file's.
    """
    try:
        return make()
    except DataError as error:
        return error
    except AttrxferError:  # the model or the detector cannot do this job at all
        raise
    except Exception as error:
        if is_full_disk(error):
            raise
        return DataError(f"{path}: {_reason(error)}")


def _reason(error: Exception) -> str:
    """An error in one line; its kind is named where it is no refusal that is written for people."""
    said, kind = in_a_line(error), type(error).__name__
    return said if isinstance(error, OSError) or said == kind else f"{kind}: {said}"


OnSteps = Callable[[Path, int, int], object]
"""Receives a file, how many steps of it are done, and how many there are."""


def ignore_steps(path: Path, done: int, total: int) -> None:
    """An ``OnSteps`` that does nothing."""


class FileProcessor(Protocol):
    """Transfers files of one kind.

    Attributes:
        portion: How many files a worker gets at once, where an engine has them transferred.
    """

    portion: ClassVar[int]

    def accepts(self, path: Path) -> bool:
        """Whether this processor takes such files, by name."""
        ...

    def process(self, tasks: Iterable[LocalTask], on_steps: OnSteps = ignore_steps) -> Generator[Answer]:
        """Transfer files and write the results, each whole or not at all.

        Args:
            tasks: The files, which may be fetched when they are asked for. The processor may read some ahead.
            on_steps: Called with the progress of a file, by processors that take long for one file.

        Yields:
            One answer a task, in their order.
        """
        ...


class FileResult(NamedTuple):
    """What became of a file.

    Attributes:
        source: The input file.
        name: Path of the result below the output folder.
        outcome: See ``Outcome``.
        reason: Why it was not changed; empty where that was wanted.
        written: What was written.
    """

    source: Place
    name: Path
    outcome: Outcome
    reason: str = ""
    written: Written = Written()


@dataclass(frozen=True)
class BatchOptions:
    """Which files are processed, and what becomes of those with nothing to change.

    Attributes:
        skip_existing: Leave out files whose result exists.
        shard: (i, n): only the i-th of n parts of the files, counted from 1.
        copy_skipped: Copy files in which there is nothing to change.
    """

    skip_existing: bool = False
    shard: tuple[int, int] = (1, 1)
    copy_skipped: bool = True


@dataclass
class BatchResult:
    """What became of the files, those of one processor after those of another."""

    files: list[FileResult] = field(default_factory=list)

    def of(self, *outcomes: Outcome) -> list[FileResult]:
        """The files with one of these outcomes."""
        return [file for file in self.files if file.outcome in outcomes]

    @property
    def written(self) -> int:
        """How many results were written as asked: changed, or copied at strength 0."""
        return sum(file.outcome == "changed" or (file.outcome == "copied" and not file.reason) for file in self.files)


OnResult = Callable[[FileResult, int, int], object]
"""Receives what became of a file, how many files are done, and how many there are."""


def ignore_result(file: FileResult, done: int, total: int) -> None:
    """An ``OnResult`` that does nothing."""


Run = Callable[[Sequence[Sequence[FileTask]]], Generator[tuple[FileTask, FileResult]]]
"""Has portions of files done, each in its order, and gives each file with what became of it, in any order."""


class FileWork:
    """What processors do with files."""

    def __init__(self, processors: Sequence[FileProcessor], options: BatchOptions, on_steps: OnSteps = ignore_steps) -> None:
        """Set it up.

        Args:
            processors: Each file goes to the first that accepts it. They run one after another.
            options: What becomes of files with nothing to change.
            on_steps: Handed to the processors.
        """
        self.processors = processors
        self.options = options
        self.on_steps = on_steps

    def __call__(self, tasks: Sequence[FileTask]) -> Generator[FileResult]:
        """Process files; gives one result a file, those of one processor after those of another."""
        for processor, own in _assign(tasks, self.processors):
            with (
                Transport(own, processor.portion) as transport,
                closing(processor.process(transport.fetched(), self.on_steps)) as answers,
            ):
                answered = zip(own, answers, strict=True)
                yield from transport.finished(
                    functools.partial(_finish, transport, task, answer, self.options) for task, answer in answered
                )

    def here(self, portions: Sequence[Sequence[FileTask]]) -> Generator[tuple[FileTask, FileResult]]:
        """Process files in this process (a ``Run``)."""
        tasks = [task for portion in portions for task in portion]
        with closing(self(tasks)) as results:
            yield from zip(tasks, results, strict=True)


def process_files(
    tasks: Sequence[FileTask],
    processors: Sequence[FileProcessor],
    options: BatchOptions | None = None,
    on_result: OnResult = ignore_result,
    on_steps: OnSteps = ignore_steps,
    run: Run | None = None,
) -> BatchResult:
    """Transfer files; broken ones are skipped and reported.

    Every file is written whole or not at all, so that an interrupted transfer can go on with ``skip_existing``.

    Args:
        tasks: The files, see ``find_tasks``.
        processors: Each file goes to the first that accepts it.
        options: Which files are processed.
        on_result: Called after each file.
        on_steps: Handed to the processors.
        run: What has the files processed; None: this process, by the processors, one after another.

    Raises:
        AttrxferError: No processor accepts a file.
    """
    options = options or BatchOptions()
    part, parts = options.shard
    owned = _assign(tasks[part - 1 :: parts], processors)
    there = results_there(task for _, own in owned for task in own) if options.skip_existing else set()
    left = [(processor, [task for task in own if task not in there]) for processor, own in owned]
    portions = [own[start : start + each.portion] for each, own in left for start in range(0, len(own), each.portion)]
    order = {task: number for number, task in enumerate(task for _, own in owned for task in own)}
    results: list[tuple[int, FileResult]] = []

    def done(task: FileTask, result: FileResult) -> None:
        results.append((order[task], result))
        on_result(result, len(results), len(order))

    for task in sorted(there, key=order.__getitem__):
        done(task, FileResult(task.source, task.name, "there"))
    with closing((run or FileWork(processors, options, on_steps).here)(portions)) as finished:
        for task, result in finished:
            done(task, result)
    return BatchResult([result for _, result in sorted(results, key=lambda one: one[0])])


def _assign(tasks: Sequence[FileTask], processors: Sequence[FileProcessor]) -> list[tuple[FileProcessor, Sequence[FileTask]]]:
    """Each processor with its files."""
    owners = []
    for task in tasks:
        owner = next((number for number, processor in enumerate(processors) if processor.accepts(Path(task.source.name))), None)
        if owner is None:
            raise AttrxferError(f"{task.source}: files of this kind cannot be transferred")
        owners.append(owner)
    return [
        (processor, [task for task, owner in zip(tasks, owners, strict=True) if owner == number])
        for number, processor in enumerate(processors)
    ]


def _finish(transport: Transport, task: FileTask, answer: Answer, options: BatchOptions) -> FileResult:
    """Turn a processor's answer into a result; copy the file where that is the result, and bring it to its place."""
    local = transport.local(task)
    answer = transport.failed.get(task, answer)
    outcome = _outcome(answer, options)

    def bring() -> None:
        if outcome == "copied":
            copy(*local)
        if outcome in ("changed", "copied"):
            transport.put(task)

    failed = attempt(task.source, bring)
    if failed is not None:
        answer, outcome = failed, "broken"
    transport.remove(task)
    written = answer if isinstance(answer, Written) else Written()
    return FileResult(task.source, task.name, outcome, _reason_of(answer, task, local), written)


def _outcome(answer: Answer, options: BatchOptions) -> Outcome:
    if isinstance(answer, Written):
        return "changed"
    if answer is None or (isinstance(answer, Skipped) and options.copy_skipped):
        return "copied"
    return "left" if isinstance(answer, Skipped) else "broken"


def _reason_of(answer: Answer, task: FileTask, local: LocalTask) -> str:
    """Why a file was not changed, with the places that a user gave instead of the local files."""
    if not isinstance(answer, DataError):
        return ""
    said = str(answer).replace(str(local.source), str(task.source)).replace(str(local.target), str(task.target))
    return said.removeprefix(f"{task.source}: ")
