"""The engine that has tasks done by Ray."""

from __future__ import annotations

import logging
import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from attrxfer.errors import AttrxferError
from attrxfer.interfaces import Job

STORE = 100 * 2**20
"""Bytes of memory for what processes exchange: names of files. Ray's own default is a third of the memory."""
VARIABLES = "ATTRXFER_"
"""Variables of the environment that workers get begin so."""
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
"""Ray sends nobody a report, and does not warn of how it will treat GPUs one day."""

log = logging.getLogger("attrxfer")


class Ray:
    """Workers of Ray: processes of this machine, or of the machines of a cluster. Each holds the model.

    Args:
        workers: How many; None: as many as there are CPUs for.
        cpus: CPUs of a worker, which are also the threads of its networks.
        address: A running cluster, HOST:PORT or "auto" for that of this machine; None: the one that $RAY_ADDRESS names, and if
            it names none, Ray is started on this machine and stopped at the end.
    """

    def __init__(
        self,
        *,
        workers: Annotated[int, Field(ge=1)] | None = None,
        cpus: Annotated[int, Field(ge=1)] = 1,
        address: str | None = None,
    ) -> None:
        self.workers = workers
        self.cpus = cpus
        self.address = address

    @classmethod
    def missing(cls, **parameters: object) -> Sequence[str]:
        return [] if find_spec("ray") else ["ray: pip install 'attrxfer[ray]'"]

    def run(self, job: Job, portions: Sequence[Sequence[Any]]) -> Generator[tuple[Any, Any]]:
        """See ``attrxfer.interfaces.Engine``."""
        if not portions:
            return
        with self._session():
            import ray

            from attrxfer_ray.crew import Crew
            from attrxfer_ray.worker import Worker

            actor: Any = ray.remote(num_cpus=self.cpus)(Worker)
            variables = {name: value for name, value in os.environ.items() if name.startswith(VARIABLES)}

            def start() -> tuple[Any, Any]:
                worker = actor.remote()
                return worker, worker.open.remote(job, str(Path.cwd()), variables)

            room = max(1, int(ray.cluster_resources().get("CPU", 1)) // self.cpus)
            size = min(self.workers or room, len(portions))
            machines = sum(node["Alive"] for node in ray.nodes())
            log.info("ray: workers: %d, CPUs of each: %d, machines: %d", size, self.cpus, machines)
            yield from Crew(start, portions).results(size)

    @contextmanager
    def _session(self) -> Iterator[None]:
        """Ray, connected; a session that the caller has already is used and left as it is.

        Raises:
            AttrxferError: There is no cluster at the address, or Ray cannot be started here.
        """
        for name, value in QUIET.items():
            os.environ.setdefault(name, value)
        import ray

        if ray.is_initialized():
            yield
            return
        address = self.address or os.environ.get("RAY_ADDRESS")
        own: dict[str, Any] = {"address": address}
        if address is None:
            cpus = max(os.cpu_count() or 1, self.cpus * (self.workers or 1))
            own = {"address": "local", "num_cpus": cpus, "include_dashboard": False, "object_store_memory": STORE}
        try:
            ray.init(**own, log_to_driver=False, logging_level=logging.ERROR)
        except Exception as error:  # Ray raises many kinds, a bare Exception where a busy machine takes 30 s to start it
            where = f"connect to {address}" if address else "start on this machine"
            raise AttrxferError(f"ray: cannot {where}: {' '.join(str(error).split())[:300]}") from None
        try:
            yield
        finally:
            ray.shutdown()
