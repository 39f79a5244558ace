"""Waiting threads sleep soon, unless the user decides otherwise."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from attrxfer.training.threads import CHOICES, SPINS

SHOW = "import os; print(os.environ.get('GOMP_SPINCOUNT'))"
STARTS = {
    "command": (
        "import sys; sys.argv = ['attrxfer', '--version']\n"
        "from attrxfer.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
    ),
    "Python": "import attrxfer\ntry: attrxfer.train('no such recipe')\nexcept Exception: pass\n",
}


@pytest.mark.slow
@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
@pytest.mark.parametrize(
    ("chosen", "expected"), [({}, SPINS), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "active"}, "None")]
)
def test_the_user_decides_how_long_threads_spin(start: str, chosen: dict[str, str], expected: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in CHOICES} | chosen
    result = subprocess.run([sys.executable, "-c", start + SHOW], env=environment, capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == expected
