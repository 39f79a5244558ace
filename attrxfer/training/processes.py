"""What the processes of a run tell each other through the processor's memory, so that no device is waited for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NamedTuple

import torch
from torch import distributed

from attrxfer.errors import AttrxferError
from attrxfer.storage.state import pack, unpack

PATIENCE = timedelta(days=1)
"""How long processes wait for each other: the first one decodes a data set alone, for which NCCL's ten minutes are too few."""


class Said(NamedTuple):
    """What a process is about to do.

    Attributes:
        what: ``UPDATE``, ``RETURN`` or ``FAIL``.
        numbers: Of an update, the numbers that its gradients have; of a step that returns, the scalars that it reports.
    """

    what: int
    numbers: int


FAIL, UPDATE, RETURN = range(3)


class Disagreement(AttrxferError):
    """The processes of a run do different things; all of them raise this."""


class Processes:
    """The processes that share a run. One process agrees with itself at no cost.

    Args:
        rank: Number of this process, from 0.
        world: Number of processes.
    """

    def __init__(self, rank: int, world: int) -> None:
        self.rank = rank
        self.world = world
        self._where = "outside of a step"
        self._group: Any = distributed.new_group(backend="gloo", timeout=PATIENCE) if world > 1 else None

    def any(self, mine: bool) -> bool:
        """Whether this is so in any process; the answer is the same in all of them."""
        return mine if self.world == 1 else any(number for (number,) in self._exchange(int(mine)))

    def first(self, state: Any) -> list[Any]:
        """Every process's own state, by rank, in the processor's memory of the first process; nothing in the others.

        Args:
            state: What a checkpoint can hold.
        """
        if self.world == 1:
            return [state]
        tensors: dict[str, torch.Tensor] = {}
        mine = (pack(state, tensors), tensors)
        received: list[Any] | None = [None] * self.world if self.rank == 0 else None
        distributed.gather_object(mine, received, dst=0, group=self._group)
        return [unpack(*one) for one in received or ()]

    @contextmanager
    def step(self, where: str) -> Iterator[None]:
        """Inside, a stage's step runs. Where it fails in one process, the others end too, instead of waiting for it.

        Args:
            where: Names the step in errors.

        Raises:
            Disagreement: The processes do different things.
        """
        self._where = where
        try:
            yield
        except Disagreement:
            raise
        except Exception:
            self._say(FAIL, 0)
            raise

    def will_update(self, count: int) -> None:
        """Before the gradients of an update are averaged: raise ``Disagreement`` where a process makes no such update, since
        the others would wait for it forever.

        Args:
            count: Numbers that the gradients have.
        """
        self._agree(UPDATE, count)

    def will_return(self, count: int) -> None:
        """After a step: raise ``Disagreement`` where another process makes one more update.

        Args:
            count: Scalars that the step reports.
        """
        self._agree(RETURN, count)

    def _agree(self, what: int, count: int) -> None:
        said = self._say(what, count)
        if len(set(said)) == 1:
            return
        failed = [str(rank) for rank, one in enumerate(said) if one.what == FAIL]
        if failed:
            raise Disagreement(f"{self._where}: process {', '.join(failed)} failed; its own message says why")
        left = [str(rank) for rank, one in enumerate(said) if one.what == RETURN]
        if 0 < len(left) < self.world:
            raise Disagreement(
                f"{self._where}: process {', '.join(left)} returned without an update that the others make. Each process must "
                f"call update equally often, whatever its images are: with a loss of 0 where there is nothing to learn"
            )
        things = "gradients have {} numbers" if said[0].what == UPDATE else "step reports {} scalars"
        counts = "; ".join(f"in process {rank} the {things.format(one.numbers)}" for rank, one in enumerate(said))
        raise Disagreement(f"{self._where}: {counts}. All processes must have the same number, whatever the images are")

    def _say(self, what: int, count: int) -> list[Said]:
        if self.world == 1:
            return [Said(what, count)]
        return [Said(*both) for both in self._exchange(what, count)]

    def _exchange(self, *numbers: int) -> list[list[int]]:
        """Every process's numbers, by rank."""
        mine = torch.tensor(numbers)
        all_of = [torch.empty_like(mine) for _ in range(self.world)]
        distributed.all_gather(all_of, mine, group=self._group)
        return [one.tolist() for one in all_of]
