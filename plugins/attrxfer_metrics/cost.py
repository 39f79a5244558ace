"""What a transfer costs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from attrxfer.interfaces import AggregateScore, Evaluation
from attrxfer_metrics.memory import peak_memory


class Cost:
    """Milliseconds an image (median over passes over one batch), GFLOP an image, millions of parameters, and peak memory of
    one batch in a fresh process, of bundles. Memory is measured only on processors under Linux.

    Args:
        batch_size: Images a pass.
        repeats: Passes that are timed, after one that is not.
    """

    def __init__(self, *, batch_size: Annotated[int, Field(ge=1)] = 16, repeats: Annotated[int, Field(ge=1)] = 5) -> None:
        self.batch_size = batch_size
        self.repeats = repeats

    def __call__(self, evaluation: Evaluation) -> Mapping[str, AggregateScore]:
        transfer = evaluation.model
        from torch.utils.flop_counter import FlopCounterMode

        from attrxfer.model.torch_model import TorchModel
        from attrxfer.storage.conversion import to_tensor

        if not isinstance(transfer, TorchModel):
            return {}

        images = to_tensor(evaluation.sources[: self.batch_size])
        with FlopCounterMode(display=False) as counter:
            transfer(images)
        times = []
        for _ in range(self.repeats):
            began = time.perf_counter()
            transfer(images).cpu()  # a device answers before it is done
            times.append(time.perf_counter() - began)
        count = len(images)
        found = {
            "milliseconds an image": AggregateScore(
                1000 * statistics.median(times) / count, count, unit="ms", better="lower", role="cost"
            )
        }
        found["GFLOP an image"] = AggregateScore(
            counter.get_total_flops() / count / 1e9, count, unit="GFLOP", better="lower", role="cost"
        )
        found["million parameters"] = AggregateScore(transfer.parameters() / 1e6, count, better="lower", role="cost")
        memory = peak_memory(transfer.path, self.batch_size) if transfer.device.type == "cpu" else None
        if memory is not None:
            found["peak memory of a batch"] = AggregateScore(memory, self.batch_size, unit="MB", better="lower", role="cost")
        return found
