"""Strengths in percent: what they mean, what a stranger's metadata may say, and ``attrxfer transfer --strength 50%``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from attrxfer.errors import DataError
from attrxfer.evaluation.response import STRENGTHS, response
from attrxfer.evaluation.scores import score
from attrxfer.model.card import ResponseTable
from attrxfer.model.response import Response
from attrxfer.plugin import host
from attrxfer.workflows import transfer as workflow
from tests.conftest import attrxfer
from tests.evaluation.test_matched_identity import FakeTransfer, given, succeeds
from tests.model.test_keep_identity import Brighter, gray

TABLE = {"strengths": [0, 0.25, 0.5, 1], "shares": [0.1, 0.1, 0.5, 0.9]}


def test_equal_parts_are_equal_steps_of_the_share() -> None:
    known = Response.read(TABLE)
    assert known is not None
    assert [known.strength_at(part) for part in (0, 0.25, 0.5, 0.75, 1)] == [0, 0.375, 0.5, 0.75, 1]


def test_a_share_that_falls_counts_as_its_highest_so_far_and_one_that_never_rises_says_nothing() -> None:
    assert Response((0, 0.4, 0.6, 1), (0, 0.5, 0.3, 1)).strength_at(0.5) == 0.4
    assert Response((0, 1), (0.5, 0.5)).strength_at(0.3) == 0.3
    assert Response((0, 1), (0.5, 0.2)).strength_at(0.3) == 0.3


@pytest.mark.parametrize(
    "table",
    [
        TABLE | {"shares": [0.1, 0.1, 0.5]},
        TABLE | {"shares": [0.1, 0.1, 0.5, 1.5]},
        TABLE | {"strengths": [0, 0.5, 0.25, 1]},
        TABLE | {"strengths": [0.1, 0.25, 0.5, 1]},
        TABLE | {"strengths": [0, 0.25, 0.5, 2]},
        TABLE | {"strengths": "0, 1"},
        {"strengths": [0], "shares": [0.1]},
        {"shares": [0, 1]},
        [0, 1],
    ],
)
def test_a_stranger_s_table_is_checked(table: Any) -> None:
    with pytest.raises(ValidationError):
        ResponseTable.model_validate(table)
    ResponseTable.model_validate(TABLE)


def test_it_is_measured_on_the_validation_inputs() -> None:
    validation = given(0)
    model = FakeTransfer()
    scorecard = score("", validation.results(validation.sources), [succeeds])
    measured = response(model, scorecard, validation)
    assert measured is not None and measured.strengths == STRENGTHS
    assert measured.shares == pytest.approx([strength / 2 for strength in STRENGTHS], abs=0.011)
    assert response(model, score("", validation.results(validation.sources), []), validation) is None


def brighter(table: dict[str, Any] | None) -> Brighter:
    model = Brighter()
    model.metadata = {**model.metadata, "response": table}
    return model


def test_transfer_in_percent_says_which_strength_that_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflow, "load_model", lambda *arguments, **named: brighter(TABLE))
    Image.fromarray(gray(40)[0]).save(tmp_path / "a.png")
    options = workflow.TransferOptions(aligned=True, part=0.25)
    result = workflow.transfer("model", [tmp_path], tmp_path / "out", host.load(), options)
    assert result.notes == ("25% is strength 0.375 here",)
    (written,) = (tmp_path / "out").rglob("a.png")
    assert np.asarray(Image.open(written))[0, 0, 0] == 77
    assert '"Strength": "0.375"' in json.dumps(json.loads((tmp_path / "out" / "manifest.json").read_text()))


def test_a_model_that_was_not_scored_has_no_percent() -> None:
    with pytest.raises(DataError, match="brighter: strengths in percent need a model scored on validation images"):
        brighter(None).strength_at(0.5)


@pytest.mark.parametrize(
    ("value", "said"), [("120%", "120% is not from 0 to 100%"), ("4", "4 is not from 0 to 3"), ("x%", "neither")]
)
def test_other_strengths_are_refused(value: str, said: str) -> None:
    result = attrxfer("transfer", "gender", "a.png", "--strength", value)
    assert result.returncode == 2 and said in result.stderr
