"""A worker: a process that Ray starts on one of its machines."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from attrxfer.errors import AttrxferError
from attrxfer.interfaces import Job, Work

Made = TypeVar("Made")


def _attempt(make: Callable[[], Made]) -> Made | AttrxferError | OSError:
    """What ``make`` returns; an error that ends the job is returned too. Raised ones would reach the user with Ray's traceback,
    and not every class of them can be pickled."""
    try:
        return make()
    except AttrxferError as error:
        return AttrxferError(str(error))
    except OSError as error:
        return error


class Worker:
    """Opens a job once and does portions of its tasks."""

    work: Work

    def open(self, job: Job, folder: str, variables: Mapping[str, str]) -> AttrxferError | OSError | None:
        """Open the job.

        Args:
            job: The job.
            folder: The folder in which the command was given: relative paths begin there.
            variables: Variables of the environment which the command had.
        """
        os.environ.update(variables)
        if not Path(folder).is_dir():
            where = f"the worker's machine {os.uname().nodename} has no such folder"
            return AttrxferError(f"{folder}: {where}: all machines need the same files under the same paths")
        os.chdir(folder)
        made = _attempt(job.open)
        if isinstance(made, Exception):
            return made
        self.work = made
        return None

    def do(self, tasks: Sequence[Any]) -> list[Any] | AttrxferError | OSError:
        """The results of some tasks."""
        return _attempt(lambda: list(self.work(tasks)))
