"""Progress where no bar can be drawn."""

from __future__ import annotations

import re

import pytest

from attrxfer.training.logging import Display


def test_where_no_bar_can_be_drawn_a_line_is_printed_each_minute(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 10_000, 25))
    monkeypatch.setattr("attrxfer.training.logging.time.monotonic", lambda: float(next(clock)))
    display = Display(enabled=True)
    assert not display.live
    display.begin("adversarial", 0, 100)
    for step in range(1, 9):
        display.advance(step, {"T attribute": 0.5})
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "adversarial: 100 steps" and 2 <= len(lines) - 1 < 8
    assert all(re.fullmatch(r"step \d of 100, [\d.]+/s, \d+ min left  T attribute 0.5", line) for line in lines[1:]), lines
