"""Files that are transferred by the workers of an engine."""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from attrxfer.errors import AttrxferError, DataError
from attrxfer.interfaces import Engine, Job
from attrxfer.media.batch import FileResult
from attrxfer.media.files import FileTask
from attrxfer.model.keep_identity import KeepIdentity
from attrxfer.plugin.parameters import build, missing_for
from attrxfer.plugin.registry import Registry
from attrxfer.recipe.tables import spec_of
from attrxfer.storage.drafts import sweep


class Done(NamedTuple):
    """What a worker gives back for a file.

    Attributes:
        file: What became of it.
        strengths: See ``KeepIdentity``; of this file, or of one that was read with it.
        unknown: The same.
    """

    file: FileResult
    strengths: tuple[float, ...]
    unknown: int


def load_engine(text: str, registry: Registry) -> Engine:
    """The engine that a user names.

    Raises:
        AttrxferError: There is none of this name, a setting is wrong, or something is not installed.
    """
    spec = spec_of("engine", text, registry)
    missing = missing_for(spec)
    if missing:
        raise AttrxferError(f"engine {spec.name}: missing: {'; '.join(missing)}")
    engine: Engine = build(spec, {})
    return engine


def by_engine(
    engine: Engine, job: Job, kept: KeepIdentity | None, portions: Sequence[Sequence[FileTask]]
) -> Generator[tuple[FileTask, FileResult]]:
    """Have files transferred by an engine.

    Args:
        engine: The engine.
        job: Its work gives a ``Done`` for each file.
        kept: This process's model, which is told what the workers' models noted.
        portions: The files, see ``process_files``.
    """
    try:
        with closing(engine.run(job, portions)) as results:
            for task, done in results:
                if isinstance(done, DataError):
                    yield task, FileResult(task.source, task.name, "broken", str(done))
                    continue
                if kept is not None:
                    kept.strengths += done.strengths
                    kept.unknown += done.unknown
                yield task, done.file
    finally:
        sweep(Path(tempfile.gettempdir()))  # after Ctrl-C, an engine kills its workers, which leave what they had fetched
