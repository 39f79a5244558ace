"""The forecast of a training: what it says, and that the run is left as it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from safetensors.torch import load_file

from attrxfer.plugin.host import Host
from attrxfer.training import forecast, loop
from tests.conftest import TINY, train


@pytest.mark.slow
def test_a_forecast_changes_nothing_in_the_run(tmp_path: Path, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = train(host, tmp_path / "plain")
    assert "forecast" not in json.loads((tmp_path / "plain" / "run.json").read_text()), "too few steps"
    monkeypatch.setattr(forecast, "FEWEST", 1)
    told = train(host, tmp_path / "told")
    assert isinstance(json.loads((tmp_path / "told" / "run.json").read_text())["forecast"], int)
    one, other = (load_file(path / "bundle" / "model.safetensors") for path in (plain, told))
    assert one.keys() == other.keys() and all((one[name] == other[name]).all() for name in one)


@pytest.mark.slow
def test_it_is_the_time_of_the_steps_that_are_left(tmp_path: Path, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock on which every look takes a second: each step lasts one."""
    seconds = iter(range(10**6))
    monkeypatch.setattr(forecast, "FEWEST", 1)
    monkeypatch.setattr("time.monotonic", lambda: next(seconds))
    found: list[float | None] = []
    original = forecast.seconds_left

    def noted(*arguments: object) -> float | None:
        found.append(original(*arguments))  # type: ignore[arg-type]
        return None

    monkeypatch.setattr(loop, "seconds_left", noted)
    settings = [setting for setting in TINY if "steps" not in setting]
    steps = {"pretrain_discriminator": 2, "adversarial": 3}
    train(host, tmp_path / "run", [*settings, *(f"train.{name}.steps={count}" for name, count in steps.items())])
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert found == [len(lines)]
