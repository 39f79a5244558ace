"""What is asked of accelerate. How processes train together: test_loop.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import Accelerator

from attrxfer.errors import AttrxferError
from attrxfer.training.devices import AccelerateDevices, Precision


def devices(folder: Path, precision: Precision = "no") -> AccelerateDevices:
    return AccelerateDevices(precision=precision, channels_last=False, threads=1, trackers=[], folder=folder)


def test_fp16_without_a_gpu_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    with pytest.raises(AttrxferError, match=r"train\.precision: fp16 needs a GPU, and there is none here"):
        devices(tmp_path, "fp16")


def test_processes_wait_longer_for_each_other_than_decoding_takes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given: dict[str, Any] = {}

    def noted(**settings: Any) -> Accelerator:
        given.update(settings)
        return Accelerator(**settings)

    monkeypatch.setattr("attrxfer.training.devices.Accelerator", noted)
    devices(tmp_path)
    (handler,) = given["kwargs_handlers"]
    assert handler.timeout.total_seconds() >= 12 * 3600
