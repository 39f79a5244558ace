"""Time, operations, parameters and memory of a transfer."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from attrxfer.interfaces import AggregateScore, Evaluation
from attrxfer_metrics.memory import peak_memory


class Cost:
    """Milliseconds and GFLOP for each image, millions of parameters, and peak memory of one batch, for bundles.

    The time is the median over passes over one batch. Memory is measured in a new process, on the CPU under Linux only.

    Args:
        batch_size: Images in a pass.
        repeats: Passes that are timed, after one that is not timed.
    """

    def __init__(self, *, batch_size: Annotated[int, Field(ge=1)] = 16, repeats: Annotated[int, Field(ge=1)] = 5) -> None:
        self.batch_size = batch_size
        self.repeats = repeats

    def __call__(self, evaluation: Evaluation) -> Mapping[str, AggregateScore]:
        """Measure the model of an evaluation; empty for anything but a bundle."""
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
            transfer(images).cpu()  # .cpu() waits until the device has finished
            times.append(time.perf_counter() - began)
        count = len(images)
        scores = {
            "milliseconds an image": AggregateScore(
                1000 * statistics.median(times) / count, count, unit="ms", better="lower", role="cost"
            )
        }
        scores["GFLOP an image"] = AggregateScore(
            counter.get_total_flops() / count / 1e9, count, unit="GFLOP", better="lower", role="cost"
        )
        scores["million parameters"] = AggregateScore(transfer.parameters() / 1e6, count, better="lower", role="cost")
        memory = peak_memory(transfer.path, self.batch_size) if transfer.device.type == "cpu" else None
        if memory is not None:
            scores["peak memory of a batch"] = AggregateScore(memory, self.batch_size, unit="MB", better="lower", role="cost")
        return scores
