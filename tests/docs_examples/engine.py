import threading
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Annotated, Any

from pydantic import Field

from attrxfer.interfaces import Job


class Threads:
    """Threads of this process.

    Args:
        workers: How many.
    """

    def __init__(self, *, workers: Annotated[int, Field(ge=1)] = 2) -> None:
        self.workers = workers

    def run(self, job: Job, portions: Sequence[Sequence[Any]]) -> Generator[tuple[Any, Any]]:
        own = threading.local()

        def do(tasks: Sequence[Any]) -> list[tuple[Any, Any]]:
            if not vars(own):
                own.work = job.open()
            return list(zip(tasks, own.work(tasks), strict=True))

        pool = ThreadPoolExecutor(self.workers)
        try:
            for done in as_completed([pool.submit(do, tasks) for tasks in portions]):
                yield from done.result()
        finally:
            pool.shutdown(cancel_futures=True)
