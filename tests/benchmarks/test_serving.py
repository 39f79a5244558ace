"""benchmarks.serving: the measures by hand, and the command on a file that takes no time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.serving import Round, main, markdown, measured
from tests.exported_negative import write_negative

pytest.importorskip("fastapi_offline", reason="needs pip install 'attrxfer[serve]'")


def test_latencies_and_rates() -> None:
    one = Round([0.001 * number for number in range(1, 101)], 10)
    assert one.at(0.5) == pytest.approx(51) and one.at(0.99) == pytest.approx(100) and one.at(1) == pytest.approx(100)
    calls = iter([True, False] * 1_000_000)
    found = measured(lambda: next(calls), 0.01, images=4)
    assert found.refused == len(found.latencies) // 2 and found.rate > 4 * len(found.latencies)


def test_the_table_has_ratios_to_the_bare_model() -> None:
    table = markdown(
        {"bare model, 1 image": [Round([0.1], 10), Round([0.1], 20)], "server": [Round([0.2], 5), Round([0.2], 5, 3)]}, "m"
    )
    assert "| server, 3 refused | 200.0 | 200.0 | 5.0 | 0.38 (0.25 to 0.50) |" in table


@pytest.mark.slow
def test_the_command_measures_server_and_model(tmp_path: Path) -> None:
    write_negative(tmp_path / "model.onnx")
    arguments = [str(tmp_path / "model.onnx"), "--clients", "1,2", "--seconds", "0.3", "--rounds", "1", "-o", str(tmp_path)]
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    rounds = json.loads((tmp_path / "serving.json").read_text())["rounds"]
    assert list(rounds) == ["bare model, 1 image", "bare model, 32 images", "server, 1 clients", "server, 2 clients"]
    assert all(each["rate"] > 0 and 0 < each["p50"] <= each["p99"] for found in rounds.values() for each in found)
    assert "refused" not in result.output
