"""Known answers: the truth itself, a copy of the input, noise, swapped labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from attrxfer_metrics.judge import Judge
from attrxfer_metrics.truth import NO_ERROR, Truth
from numpy.typing import NDArray

from attrxfer.data import Data, open_data
from attrxfer.interfaces import Broken, Records

SIZE = 32


def smooth(seed: int, count: int = 6) -> NDArray[np.uint8]:
    coarse = np.random.default_rng(seed).integers(0, 256, (count, 4, 4, 3))
    return coarse.repeat(SIZE // 4, 1).repeat(SIZE // 4, 2).astype(np.uint8)


def scores(outputs: NDArray[np.uint8], truth: NDArray[np.uint8] | None) -> Any:
    return Truth()(SimpleNamespace(sources=smooth(0), outputs=outputs, truth=truth))  # type: ignore[arg-type]


def test_the_truth_itself_a_copy_and_noise() -> None:
    truth = smooth(1)
    itself, copy = scores(truth, truth), scores(smooth(0), truth)
    assert (
        itself["closer to truth"] == 1 and itself["PSNR to truth"] == NO_ERROR and itself["SSIM to truth"] == pytest.approx(1)
    )
    assert copy["closer to truth"] == 0
    assert copy["PSNR to truth"] == copy["PSNR of the input"] == itself["PSNR of the input"]
    near = np.clip(truth.astype(int) + np.random.default_rng(0).integers(-9, 10, truth.shape), 0, 255).astype(np.uint8)
    assert 28 < scores(near, truth)["PSNR to truth"] < 40
    assert scores(near, truth)["SSIM to truth"] < 1


def test_psnr_by_hand() -> None:
    truth = np.full((1, SIZE, SIZE, 3), 100, np.uint8)
    result = Truth()(SimpleNamespace(sources=truth, outputs=truth + np.uint8(10), truth=truth))  # type: ignore[arg-type]
    assert result["PSNR to truth"] == pytest.approx(10 * np.log10(255**2 / 100))


def test_no_truth_no_numbers() -> None:
    assert scores(smooth(0), None) == {}


class Shades:
    """Bright pictures have the attribute, dark ones do not."""

    def __init__(self, swapped: bool = False) -> None:
        self.swapped = swapped

    def records(self) -> Records:
        rows = np.arange(240)
        bright = (rows % 2 == 0) != self.swapped
        split = np.where(rows < 160, 0, 2).astype(np.uint8)
        return Records(tuple(map(str, rows)), {"bright": bright}, split)

    def read(self, rows: Sequence[int]) -> list[NDArray[np.uint8] | Broken]:
        return [
            np.random.default_rng(row).integers(0, 80, (SIZE, SIZE, 3)).astype(np.uint8) + np.uint8(150 * (row % 2 == 0))
            for row in rows
        ]

    def fingerprint(self) -> str:
        return "shades"


def evaluation(data: Data, outputs_bright: bool) -> Any:
    rows = data.rows("test", None)
    dark, bright = (data.pictures(rows[data.records.attributes["bright"][rows] == value]) for value in (False, True))
    outputs = bright if outputs_bright else dark
    return SimpleNamespace(sources=dark, outputs=outputs, truth=None, rows=rows, target={"bright": True}, data=data, seed=0)


def opened(folder: Path, swapped: bool = False) -> Data:
    return open_data(Shades(swapped), selection=None, size=SIZE, folder=folder)


def test_the_judge_knows_targets_from_inputs_and_is_trained_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTRXFER_CACHE", str(tmp_path))
    data, judge = opened(tmp_path), Judge(steps=40, batch=16)
    verdict = judge(evaluation(data, True))
    assert verdict["judged as target"] > 0.95
    assert verdict["inputs judged as target"] < 0.05
    assert verdict["accuracy of the judge"] > 0.95
    monkeypatch.setattr(Judge, "_train", lambda *arguments: pytest.fail("trained twice"))
    assert judge(evaluation(data, False))["judged as target"] == verdict["inputs judged as target"]


def test_swapped_labels_swap_the_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTRXFER_CACHE", str(tmp_path))
    judge = Judge(steps=40, batch=16)
    right, swapped = opened(tmp_path), opened(tmp_path, swapped=True)
    assert judge(evaluation(right, True))["judged as target"] > 0.95
    bright = evaluation(right, True).outputs
    turned = evaluation(swapped, True)
    turned.outputs = bright
    assert judge(turned)["judged as target"] < 0.05
