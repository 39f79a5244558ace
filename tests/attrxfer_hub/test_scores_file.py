"""``attrxfer pack --scores``: scores that ``attrxfer evaluate`` wrote, in the bundle and in its card."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from attrxfer_hub.scores_file import read_scores

from attrxfer.errors import AttrxferError
from tests.attrxfer_hub.conftest import Run

SHARE = {"value": 0.75, "low": 0.7, "high": 0.8, "n": 200, "unit": "share", "better": "higher", "role": "attribute accuracy"}
COST = {"value": 6.9, "n": 16, "unit": "ms", "better": "lower", "role": ""}
CONTENT: dict[str, Any] = {
    "images": 200,
    "people": 40,
    "task": {"Male": False},
    "scores": {"runs/x": {"attribute accuracy": SHARE, "milliseconds": COST}, "input_copy": {"attribute accuracy": SHARE}},
    "slices": {"runs/x": {"Young": {"attribute accuracy": {**SHARE, "value": 0.5, "n": 60}}}},
    "curves": {},
    "responses": {"runs/x": {"strengths": [0, 0.5, 1], "shares": [0.1, 0.4, 0.9]}},
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "scores.json").write_text(json.dumps(CONTENT))
    return tmp_path / "scores.json"


def test_the_only_candidate_s_scores_are_read(file: Path) -> None:
    scores = {
        "images": 200,
        "people": 40,
        "scores": CONTENT["scores"]["runs/x"],
        "slices": {"Young": {"attribute accuracy": {**SHARE, "value": 0.5, "n": 60}}},
    }
    expected = {"scores": scores, "response": CONTENT["responses"]["runs/x"]}
    assert read_scores(file) == read_scores(file.parent) == expected


def test_they_are_in_the_packed_bundle_and_in_its_card(run: Run, model: Path, file: Path, tmp_path: Path) -> None:
    result = run("pack", model, tmp_path / "packed", "--scores", file)
    assert result.exit_code == 0, result.output
    stored = json.loads((tmp_path / "packed" / "attrxfer.json").read_text())
    assert {key: stored[key] for key in ("scores", "response")} == read_scores(file)
    card = (tmp_path / "packed" / "README.md").read_text()
    assert "200 held-out images of 40 people" in card and "| attribute accuracy | 75.0% | 70 to 80% | 200 | more |" in card
    assert "| Young | 60 | 50.0% (70 to 80%) |" in card


def damaged(key: str, value: Any) -> dict[str, Any]:
    content = copy.deepcopy(CONTENT)
    content[key] = value
    return content


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("no JSON", "not scores that attrxfer evaluate wrote"),
        (damaged("images", -1), "(images: input should be greater than or equal to 0)"),
        (damaged("scores", {"runs/x": {"kid": {"value": "high"}}}), "scores.runs/x.kid.value"),
        (damaged("slices", {}), "scores of 0 candidates; evaluate the bundle alone"),
        (damaged("slices", {"a": {}, "b": {}}), "scores of 2 candidates; evaluate the bundle alone"),
        (damaged("slices", {"a": {}}), 'no scores of "a"'),
    ],
)
def test_other_files_are_refused_in_one_line(tmp_path: Path, content: Any, said: str) -> None:
    file = tmp_path / "other.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(AttrxferError) as caught:
        read_scores(file)
    assert str(caught.value).startswith(f"{file}: ") and said in str(caught.value) and "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(AttrxferError, match=r"nowhere.json: No such file or directory"):
        read_scores(tmp_path / "nowhere.json")
