"""Tables of what is known of models."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from attrxfer.errors import BundleError
from attrxfer.interfaces import ACCURACY, MATCHED
from attrxfer.plugin.host import Host
from attrxfer.workflows.info import shipped_models
from tests.conftest import attrxfer


@pytest.fixture
def folder(trained: Path, tmp_path: Path, host: Host, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shipped model named "women", with scores."""
    shutil.copytree(trained / "bundle", tmp_path / "women")
    path = tmp_path / "women" / "attrxfer.json"
    metadata = json.loads(path.read_text())
    score = {"n": 20, "unit": "share", "better": "higher"}
    metadata["scores"] = {"images": 20, "people": 20, "scores": {"seen as women": {"value": 0.9, "role": ACCURACY, **score}}}
    metadata["licences"] = ["for research only"]
    path.write_text(json.dumps(metadata))
    monkeypatch.setattr(host, "models", lambda: {"women": tmp_path / "women"})
    return tmp_path / "women"


@pytest.mark.slow
def test_shipped_models_are_listed_with_scores_and_licences(folder: Path, host: Host) -> None:
    head, row = shipped_models(host)
    assert dict(zip(head, row, strict=True)) == {
        "MODEL": "women",
        "TASK": "Male = false",
        "SIZE": "16 px",
        "ATTRIBUTE ACCURACY": "90.0%",
        "AT EQUAL VERIFICATION": "not scored",
        "LICENCES": "for research only",
    }
    path = folder / "attrxfer.json"
    metadata = json.loads(path.read_text())
    metadata["scores"]["scores"]["matched"] = {"value": 0.5, "role": MATCHED, "n": 20, "unit": "share", "better": "higher"}
    path.write_text(json.dumps(metadata))
    assert shipped_models(host)[1][4] == "50.0%"


@pytest.mark.slow
def test_what_a_plugin_ships_must_be_a_bundle(folder: Path, host: Host) -> None:
    (folder / "attrxfer.json").write_text("{}")
    with pytest.raises(BundleError, match="not a bundle"):
        shipped_models(host)


def test_without_shipped_models_the_command_says_how_to_train_one(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "models", dict)
    monkeypatch.setattr("attrxfer.plugin.host.load", lambda: host)
    result = attrxfer("models")
    assert result.returncode == 0 and "attrxfer run RECIPE" in result.stdout
