"""Whatever is wrong with what a stranger hands in: it works, or is refused in a line."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from attrxfer.errors import DataError
from tests.hostile.trial import MARK, Kind, run

ROOT = Path(__file__).parents[2]
KINDS = {"cards", "weights", "exported", "images", "clips", "lists", "tables", "recipes", "overrides"}


@pytest.mark.slow
def test_spoilt_inputs_work_or_are_refused() -> None:
    """In a process of its own: its copies, one a case, must have no threads of other tests."""
    command = [sys.executable, "-m", "tests.hostile", "--cases", "6", "--first", "200"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert {line.split()[0] for line in done.stdout.splitlines()} >= KINDS


class Faulty(Kind):
    """Does all that no input may cause."""

    name = "faulty"

    def spoil(self, chance: random.Random) -> str:
        return ""

    def actions(self) -> Mapping[str, Callable[[], object]]:
        def refuses(message: str) -> None:
            raise DataError(message)

        return {
            "works": lambda: None,
            "refused": lambda: refuses("a.png: not an image"),
            "no short line": lambda: refuses("a\x1b[2J"),
            "ZeroDivisionError": lambda: 1 // 0,
            "file outside": lambda: (self.goods.parent / "outside").write_text(""),
            "left behind": lambda: (self.out / ".a.tmp").write_text(""),
            "os.system": lambda: os.system("true"),
            "code run": lambda: (self.input / MARK).write_text(""),
            "more than 1000 MB": lambda: b"x" * 1_100_000_000,
            "ended by SIGKILL": lambda: os.kill(os.getpid(), 9),
        }


def tried(folder: Path) -> dict[str, str]:
    """What became of each of its actions."""
    (folder / "goods").mkdir()
    kind = Faulty(folder / "goods", folder / "case")
    return {one.action: one.result for one in run(kind, range(len(kind.actions())))}


def test_every_fault_is_seen(tmp_path: Path) -> None:
    """In a process of its own: a copy of this one begins with the memory that other tests have taken."""
    code = (
        "import json, pathlib, sys; from tests.hostile.test_hostile import tried; "
        "print(json.dumps(tried(pathlib.Path(sys.argv[1]))))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    assert len(found) == 10
    assert {action for action, result in found.items() if not result.startswith(action)} == set(), found
