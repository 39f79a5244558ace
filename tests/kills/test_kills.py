"""A job that was killed and given again ends as one that was left alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_jobs_that_are_killed_end_the_same() -> None:
    """Of a training ``test_loop`` does it."""
    command = [sys.executable, "-m", "tests.kills", "--kills", "3", "--jobs", "transfer", "video", "cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    rows = [line.split() for line in done.stdout.splitlines()[-3:]]
    assert {row[0] for row in rows} == {"transfer", "video", "cache"}, done.stderr
    assert sum(int(row[1]) for row in rows) == 3
    assert all(row[2] == row[3] for row in rows), done.stdout
